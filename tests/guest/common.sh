# What the scripts of strangers share. They run in a guest, where run.sh has plugged in the keys.
#
# A script defines one function for each thing that it proves and calls `proves` with a sentence and
# the function; tests/test_strangers.py reads the sentences and shows each as a test.

: "${answers:?}" "${keys:?}" "${work:?}"
mkdir -p "$work"
cd "$work" || exit

proves() { # SENTENCE COMMAND...: run the command, which stops at its first failure, and judge it
    local sentence=$1 begin=$SECONDS code
    shift
    echo "## begin: $sentence"
    (
        set -eu -o pipefail
        "$@"
    )
    code=$?
    echo  # a question for a PIN ends without a new line
    if [ $code = 0 ]; then
        echo "## proved: $sentence ($((SECONDS - begin)) s)"
    else
        echo "## failed: $sentence ($((SECONDS - begin)) s, code $code)"
    fi
}

refused() { # COMMAND...: succeed when the command does not
    if "$@"; then
        echo "this was to be refused: $*"
        return 1
    fi
}

node_at() { # PATTERN: the device that the kernel has there, if it can be opened
    local where
    where=$(grep -l "^HID_PHYS=$1" /sys/class/hidraw/*/device/uevent 2> /dev/null) || return
    where=${where%/device/uevent}
    # Shown by sysfs a moment before it can be opened.
    { : < "/dev/${where##*/}"; } 2> /dev/null || return
    echo "/dev/${where##*/}"
}

wait_for() { # COMMAND...: repeat it until it succeeds
    for _ in $(seq 600); do
        if "$@"; then
            return
        fi
        sleep 0.2
    done
    echo "two minutes were not enough for: $*" >&2
    return 1
}

node() { # KEY: the device of that key, once it is there
    wait_for node_at "mfalab:.*/$1\$"
}

control() { # LINE: what the process that plugged the keys in is to do
    echo "$1" > "$keys/control"
}

only() { # KEY COMMAND...: run the command on a machine that has no other key; - is none at all
    local key=$1 device='' target=''
    shift
    if [ "$key" != - ]; then
        device=$(node "$key")
        target=$(readlink "/sys/class/hidraw/${device#/dev/}")
    fi
    device=$device target=$target unshare --mount bash -c '
        mount -t tmpfs nothing /sys/class/hidraw
        [ -z "$target" ] || ln -s "$target" "/sys/class/hidraw/${device#/dev/}"
        exec "$@"' only "$@"
}

some() { # BYTES: as many random bytes in base64
    head -c "$1" /dev/urandom | base64 -w 0
    echo
}
