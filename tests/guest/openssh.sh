# OpenSSH: keys on the security key, and logins to a server in the guest.
. "$(dirname "$0")/common.sh"

PIN=4711
PORT=2222

# Asked for the PIN it types it, asked for a passphrase it types none, and the note that a touch is
# wanted needs no answer.
cat > askpass << END
#!/bin/sh
[ "\$SSH_ASKPASS_PROMPT" = none ] && exit
case "\$1" in *PIN*) echo $PIN ;; *) echo ;; esac
END
chmod +x askpass
export SSH_ASKPASS=$PWD/askpass SSH_ASKPASS_REQUIRE=force

generate() { # FILE ARGUMENT...
    local file=$1
    shift
    only ssh.key ssh-keygen -q -N '' -C "$file" -f "$file" "$@"
    ssh-keygen -l -f "$file.pub"
}

start_server() {
    mkdir -p /run/sshd
    ssh-keygen -q -t ed25519 -N '' -f host
    cat > server << END
ListenAddress 127.0.0.1:$PORT
HostKey $PWD/host
AuthorizedKeysFile $PWD/authorized
AuthenticationMethods publickey
PermitRootLogin yes
StrictModes no
UsePAM no
LoginGraceTime 0
LogLevel VERBOSE
PidFile none
END
    touch authorized
    /usr/sbin/sshd -D -e -f "$PWD/server" 2> server.log &
}

log_in() { # FILE KEY: sign in with that file, on a machine that has that security key
    only "$2" ssh -F none -i "$1" -p $PORT \
        -o IdentitiesOnly=yes -o IdentityAgent=none -o PreferredAuthentications=publickey \
        -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o ConnectTimeout=120 \
        root@127.0.0.1 'echo I am $(id -un)'
}

pin_set() {
    printf '%s\n' $PIN $PIN | fido2-token -S "$(node ssh.key)"
}

login() { # TYPE NAME
    generate "$2" -t "$1"
    cp "$2.pub" authorized
    log_in "$2" ssh.key | grep 'I am root'
    tail -20 server.log
    grep "Accepted publickey for root .*: ${1^^}" server.log
}

resident() {
    generate resident -t ed25519-sk -O resident -O application=ssh:guest
    mkdir elsewhere
    cd elsewhere
    only ssh.key ssh-keygen -K
    ls
    diff <(cut -d' ' -f1,2 ../resident.pub) <(cut -d' ' -f1,2 id_ed25519_sk_rk_guest.pub)
    cp id_ed25519_sk_rk_guest.pub ../authorized
    log_in "$PWD/id_ed25519_sk_rk_guest" ssh.key | grep 'I am root'
}

verified() {
    generate verified -t ecdsa-sk -O verify-required
    echo "verify-required $(cat verified.pub)" > authorized
    log_in verified ssh.key | grep 'I am root'
    # The same server does not let a touch alone pass.
    echo "verify-required $(cat ecdsa.pub)" > authorized
    refused log_in ecdsa ssh.key
}

signed() { # a file's signature by the key, as git makes and checks it
    echo "a release" > release
    only ssh.key ssh-keygen -Y sign -f ecdsa -n file release
    echo "me@example.com $(cat ecdsa.pub)" > signers
    check() { ssh-keygen -Y verify -f signers -I me@example.com -n file -s release.sig; }
    check < release
    echo "another release" > other
    refused check < other
    mkdir without
    cp release without
    refused only ssh-other.key ssh-keygen -Y sign -f ecdsa -n file without/release
    [ ! -e without/release.sig ]
}

absent() {
    cp ecdsa.pub authorized
    refused log_in ecdsa ssh-other.key
    refused log_in ecdsa -
}

start_server
proves "ssh-keygen makes ecdsa-sk, and sshd lets its owner in" login ecdsa-sk ecdsa
proves "ssh-keygen makes ed25519-sk, and sshd lets its owner in" login ed25519-sk ed25519
proves "ssh-keygen signs a file, and only with the key that is there" signed
proves "sshd lets nobody in without the key that signs" absent
proves "fido2-token gives the key a PIN" pin_set
proves "ssh-keygen -K downloads a resident key, and sshd lets its owner in" resident
proves "a server that wants verified users refuses a touch alone" verified
