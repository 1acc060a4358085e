# Chromium, as it comes, with a page that registers a passkey and signs in with it ten times over
# hidraw. Nothing is tried twice.
#
# The key's user is known by a finger, which is locked at first after too many wrong ones. So
# Chromium asks for the PIN once, in a dialog of its own that belongs to no page: it is typed on the
# keyboard of a display without a screen.
. "$(dirname "$0")/common.sh"
here=$(dirname "$(realpath "$0")")
export DISPLAY=:7

put_finger() { # for ever: nothing happens when the key does not ask for it
    while sleep 3; do
        echo "finger chromium.key thumb" > "$keys/untouched/control"
    done
}

asks_for_pin() {
    [ "$(grep -o 'UI step: .*' "$answers/browser.log" | tail -1)" = 'UI step: kClientPinEntry' ]
}

type_pin() { # for ever: when the dialog has been there for a while, it has the keyboard
    while sleep 5; do
        if asks_for_pin && sleep 5 && asks_for_pin; then
            xdotool key ctrl+a
            xdotool type --delay 50 903817
            xdotool key Return
        fi
    done
}

browse() {
    # Its processes give up on each other after 15 s, which pass quickly under emulation; the fewer
    # there are, the sooner it is ready.
    only chromium.key chromium --no-sandbox --no-first-run \
        --ipc-connection-timeout=900 --enable-features=NetworkServiceInProcess2 \
        --disable-gpu --disable-software-rasterizer --disable-dev-shm-usage \
        --disable-gpu-process-crash-limit --disable-gpu-watchdog --password-store=basic \
        --disable-extensions --disable-component-update --disable-background-networking \
        --user-data-dir="$work/profile" --enable-logging=stderr --window-size=900,650 \
        --vmodule='device_event_log*=2' 'http://localhost:8018/?times=10'
}

passkey() {
    node chromium.key > /dev/null # before Chromium, which sees only what is there when it starts
    Xvfb $DISPLAY -screen 0 1000x700x24 -nolisten tcp > "$answers/display.log" 2>&1 &
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
    type_pin &
    # A browser that falls over ends it.
    wait -n $party $browser || code=$?
    kill -0 $party 2> /dev/null && code=1
    cat "$answers/party.log"
    if [ $code != 0 ]; then
        grep -E 'FIDO|HID|FATAL' "$answers/browser.log" | cut -c1-400 | tail -60
    fi
    [ "$(grep -c 'UI step: kClientPinEntry' "$answers/browser.log")" = 1 ]
    return $code
}

proves "Chromium asks for the PIN once, registers a passkey and signs in with it ten times in a row" passkey
