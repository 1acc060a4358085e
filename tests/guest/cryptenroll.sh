# systemd-cryptenroll and a LUKS2 volume that our key opens.
. "$(dirname "$0")/common.sh"

device=$(node disk.key)

enrolled() {
    head -c 32M /dev/zero > volume
    # The least work that a password may cost: emulated processors are slow.
    printf secret > password
    cryptsetup luksFormat -q --type luks2 --pbkdf pbkdf2 --pbkdf-force-iterations 1000 \
        --key-file password volume
    PASSWORD=secret systemd-cryptenroll --fido2-device="$device" \
        --fido2-with-client-pin=no --fido2-with-user-presence=yes volume
    systemd-cryptenroll volume | grep fido2
    cryptsetup luksDump volume | tee dump
    grep systemd-fido2 dump
}

opened() { # with the plugin that systemd brings for libcryptsetup, and not by the password
    # systemd asks one key after the other, and waits for a touch at each.
    only disk.key cryptsetup open --test-passphrase --token-only \
        --token-type systemd-fido2 volume
}

closed() {
    only - bash -c '! cryptsetup open --test-passphrase --token-only volume < /dev/null'
}

proves "systemd-cryptenroll enrols the key for a volume" enrolled
proves "the key opens the volume" opened
proves "nothing opens the volume without the key" closed
