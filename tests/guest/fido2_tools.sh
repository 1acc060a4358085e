# libfido2's own tools against a key of the default model with a PIN.
#
# Up to the version in Debian 12 libfido2 manages credentials with the command of the preview (0x41)
# only, whatever else a key offers.
. "$(dirname "$0")/common.sh"

device=$(node tools.key)
PIN=903817
export FIDO_DEBUG=1 # each report, on standard error: shown when a sentence is not proved

with_pin() { # COMMAND...: answer the question for the PIN, which is read from standard input
    echo "$PIN" | "$@"
}

info() {
    fido2-token -I "$device"
}

listed() {
    fido2-token -L | grep "^$device: vendor=0x1209"
}

told() {
    info > info
    cat info
    grep '^proto: 0x02' info
    grep '^version strings:.*FIDO_2_1' info
    grep '^options:.*noclientPin' info
    grep '^algorithms:.*es256.*eddsa' info
}

pin_set() {
    printf '%s\n' 1234 1234 | fido2-token -S "$device"
    info | grep '^options:.*[ ,]clientPin'
}

pin_changed() {
    printf '%s\n' 1234 "$PIN" "$PIN" | fido2-token -C "$device"
}

nothing_listed() { # libfido2 1.12 takes an empty list for an error
    refused with_pin fido2-token -L -r "$device" 2> said
    cat said
    grep NO_CREDENTIALS said
}

wrong_pin() {
    refused fido2-token -L -r "$device" <<< 0000 2> said
    cat said
    grep PIN_INVALID said
    info | grep '^pin retries: 7'
    nothing_listed
    info | grep '^pin retries: 8'
}

credential() { # TYPE
    printf '%s\n' "$(some 32)" "$1.example" alice "$(some 16)" > new
    fido2-cred -M -i new -o made "$device" "$1"
    fido2-cred -V -i made -o kept "$1"
    tail -n +2 kept > public
    printf '%s\n' "$(some 32)" "$1.example" "$(head -1 kept)" > wish
    fido2-assert -G -i wish -o got "$device"
    fido2-assert -V -p -i got public "$1"
    # Signed for another challenge.
    { some 32; tail -n +2 got; } > forged
    refused fido2-assert -V -p -i forged public "$1"
}

verified() {
    printf '%s\n' "$(some 32)" uv.example alice "$(some 16)" > new
    with_pin fido2-cred -M -v -i new -o made "$device" es256
    fido2-cred -V -v -i made -o kept es256
    tail -n +2 kept > public
    printf '%s\n' "$(some 32)" uv.example "$(head -1 kept)" > wish
    with_pin fido2-assert -G -v -i wish -o got "$device"
    fido2-assert -V -v -i got public es256
    fido2-assert -G -i wish -o got "$device"
    refused fido2-assert -V -v -i got public es256
}

resident() {
    printf '%s\n' "$(some 32)" rk.example alice "$(some 16)" > new
    with_pin fido2-cred -M -r -i new -o made "$device" es256
    fido2-cred -V -i made -o kept es256
    tail -n +2 kept > public
    with_pin fido2-token -L -r "$device" | grep rk.example
    with_pin fido2-token -L -k rk.example "$device" > listing
    cat listing
    grep -F "$(head -1 kept)" listing
    printf '%s\n' "$(some 32)" rk.example > wish
    with_pin fido2-assert -G -r -v -i wish -o got "$device"
    fido2-assert -V -i got public es256
}

deleted() {
    with_pin fido2-token -D -i "$(head -1 kept)" "$device"
    nothing_listed
}

hmac_secret() {
    printf '%s\n' "$(some 32)" hmac.example alice "$(some 16)" > new
    fido2-cred -M -h -i new -o made "$device" es256
    fido2-cred -V -h -i made -o kept es256
    local salt other
    salt=$(some 32)
    other=$(some 32)
    for each in "$salt" "$salt" "$other"; do
        printf '%s\n' "$(some 32)" hmac.example "$(head -1 kept)" "$each" > wish
        fido2-assert -G -h -i wish "$device" | tail -1
    done > secrets
    cat secrets
    [ "$(sed -n 1p secrets | base64 -d | wc -c)" = 32 ]
    [ "$(sed -n 1p secrets)" = "$(sed -n 2p secrets)" ]
    [ "$(sed -n 1p secrets)" != "$(sed -n 3p secrets)" ]
}

blob_set() {
    printf '%s\n' "$(some 32)" blob.example alice "$(some 16)" > new
    with_pin fido2-cred -M -r -b -i new -o made "$device" es256
    head -c 600 /dev/urandom > blob
    with_pin fido2-token -S -b -n blob.example blob "$device"
    with_pin fido2-token -G -b -n blob.example back "$device"
    cmp blob back
}

blob_deleted() {
    with_pin fido2-token -D -b -n blob.example "$device"
    refused with_pin fido2-token -G -b -n blob.example gone "$device"
}

late() {
    refused fido2-token -R "$device" 2> said
    cat said
    grep NOT_ALLOWED said
}

# A key can be reset for ten seconds, which a busy machine may need for starting the program. It is
# plugged in again only when they were over by this machine's clock; an earlier refusal is a fault.
reset() {
    local plugged_at took_ms
    for try in 1 2 3 4 5; do
        control "unplug tools.key"
        wait_for test ! -e "$device"
        plugged_at=$(date +%s%3N)
        control "plug tools.key"
        device=$(node tools.key)
        if fido2-token -R "$device" 2> said; then break; fi
        took_ms=$(($(date +%s%3N) - plugged_at))
        echo "refused $took_ms ms after it was plugged in: $(cat said)"
        grep NOT_ALLOWED said
        test $took_ms -gt 10000 -a "$try" -lt 5
    done
    info > info
    cat info
    grep '^options:.*noclientPin' info
    grep '^remaining rk(s): 50' info
}

proves "fido2-token lists the key" listed
proves "fido2-token tells what the key can do" told
proves "fido2-token sets a PIN" pin_set
proves "fido2-token changes the PIN" pin_changed
proves "a wrong PIN is refused and costs a retry" wrong_pin
proves "fido2-cred and fido2-assert make and verify es256" credential es256
proves "fido2-cred and fido2-assert make and verify eddsa" credential eddsa
proves "fido2-assert tells verified users from present ones" verified
proves "fido2-token lists a resident credential that fido2-assert finds" resident
proves "fido2-token deletes a resident credential" deleted
proves "fido2-assert gets the same hmac-secret for the same salt" hmac_secret
proves "fido2-token keeps a large blob and gets it back" blob_set
proves "fido2-token deletes a large blob" blob_deleted
proves "fido2-token may not reset a key that is plugged in for long" late
proves "fido2-token resets a key that was just plugged in" reset
