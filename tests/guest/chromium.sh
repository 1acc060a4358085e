# Chromium, as it comes, with a page that registers a passkey and signs in with it ten times over
# hidraw. Nothing is tried twice.
#
# The user is verified by a finger on the key, so that Chromium need not ask for a PIN: its dialog is
# drawn by the browser and belongs to no page.
. "$(dirname "$0")/common.sh"
here=$(dirname "$(realpath "$0")")

put_finger() { # for ever: nothing happens when the key does not ask for it
    while sleep 3; do
        echo "finger chromium.key thumb" > "$keys/untouched/control"
    done
}

browse() {
    # Its processes give up on each other after 15 s, which pass quickly under emulation; the fewer
    # there are, the sooner it is ready.
    only chromium.key chromium --headless --no-sandbox --no-first-run \
        --ipc-connection-timeout=900 --enable-features=NetworkServiceInProcess2 \
        --disable-gpu --disable-software-rasterizer --disable-dev-shm-usage \
        --disable-gpu-process-crash-limit --disable-gpu-watchdog \
        --disable-extensions --disable-component-update --disable-background-networking \
        --user-data-dir="$work/profile" --enable-logging=stderr \
        --vmodule='device_event_log*=2' 'http://localhost:8018/?times=10'
}

passkey() {
    node chromium.key > /dev/null # before Chromium, which sees only what is there when it starts
    python "$here/relying_party.py" 8018 10 > "$answers/party.log" 2>&1 &
    local party=$! code=0
    # A page that cannot be had is not asked for again.
    until grep -q serving "$answers/party.log"; do
        kill -0 $party
        sleep 1
    done
    browse > "$answers/browser.log" 2>&1 &
    local browser=$!
    put_finger &
    # A browser that falls over ends it.
    wait -n $party $browser || code=$?
    kill -0 $party 2> /dev/null && code=1
    cat "$answers/party.log"
    if [ $code != 0 ]; then
        grep -E 'FIDO|HID|FATAL' "$answers/browser.log" | cut -c1-400 | tail -60
    fi
    return $code
}

proves "Chromium registers a passkey and signs in with it ten times in a row" passkey
