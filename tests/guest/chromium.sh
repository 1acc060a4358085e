# Chromium, as it comes, at the console's pages: a key of this kernel is assigned, answers ten times
# in a row, signs in, and is refused for a user whose key is another one. Nothing is tried twice.
#
# The key's user is known by a finger, which is locked at first after too many wrong ones. So
# Chromium asks for the PIN once. Its dialogs belong to no page: what answers them is the keyboard of
# a display without a screen.
. "$(dirname "$0")/common.sh"
here=$(dirname "$(realpath "$0")")
export DISPLAY=:7

put_finger() { # for ever: nothing happens when the key does not ask for it
    while sleep 3; do
        echo "finger chromium.key thumb" > "$keys/untouched/control"
    done
}

shows() { # STEP: whether that is the dialog which Chromium showed last
    [ "$(grep -o 'UI step: .*' "$answers/browser.log" | tail -1)" = "UI step: $1" ]
}

answer_dialogs() { # for ever: when a dialog has been there for a while, it has the keyboard
    while sleep 5; do
        if shows kClientPinEntry && sleep 5 && shows kClientPinEntry; then
            xdotool key ctrl+a
            xdotool type --delay 50 903817
            xdotool key Return
        elif shows kKeyNotRegistered && sleep 5 && shows kKeyNotRegistered; then
            xdotool key Escape
        fi
    done
}

browse() {
    # Its processes give up on each other after 15 s, which pass quickly under emulation; the fewer
    # there are, and the less they draw and prepare, the sooner a page is there. The GPU keeps a
    # process: as a thread of the browser's (--in-process-gpu) it ends the browser with a
    # segmentation fault, in some runs and at no certain place.
    only chromium.key chromium --no-sandbox --no-first-run \
        --ipc-connection-timeout=900 --enable-features=NetworkServiceInProcess2 \
        --js-flags=--jitless \
        --disable-features=SpareRendererForSitePerProcess,BackForwardCache,RenderDocument \
        --disable-gpu --disable-software-rasterizer --disable-dev-shm-usage \
        --disable-gpu-process-crash-limit --disable-gpu-watchdog --password-store=basic \
        --disable-extensions --disable-component-update --disable-background-networking \
        --user-data-dir="$work/profile" --enable-logging=stderr --window-size=900,650 \
        --vmodule='device_event_log*=2' --remote-debugging-port=9018 --app=data:text/html,
}

at_console() {
    node chromium.key > /dev/null # before Chromium, which sees only what is there when it starts
    # Without -r a key that is slow to come up would be typed twice.
    Xvfb $DISPLAY -r -screen 0 1000x700x24 -nolisten tcp > "$answers/display.log" 2>&1 &
    browse > "$answers/browser.log" 2>&1 &
    local browser=$! code=0
    python "$here/at_console.py" 9018 "$answers/console.json" alice 10 carol 2>&1 &
    local person=$!
    put_finger &
    answer_dialogs &
    # A browser that falls over ends it.
    wait -n $person $browser || code=$?
    kill -0 $person 2> /dev/null && code=1
    if [ $code != 0 ]; then
        grep -E 'FIDO|HID|FATAL' "$answers/browser.log" | cut -c1-400 | tail -40
        tail -5 "$answers/browser.log" | cut -c1-400
    fi
    [ "$(grep -c 'UI step: kClientPinEntry' "$answers/browser.log")" = 1 ]
    [ "$(grep -c 'UI step: kKeyNotRegistered' "$answers/browser.log")" = 1 ]
    return $code
}

proves "Chromium asks for the PIN once, assigns a key at the console, signs in by the tenth of its answers, and is refused for another user" at_console
