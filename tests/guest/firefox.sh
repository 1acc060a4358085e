# Firefox ESR, headless, at the console's pages: a key of this kernel is assigned and signs in.
# The user is verified by the key's PIN each time, which marionette types into the prompt that
# Firefox shows.
. "$(dirname "$0")/common.sh"
here=$(dirname "$(realpath "$0")")

at_console() {
    node firefox.key > /dev/null
    mv "$keys/firefox.profile" profile
    local code=0
    only firefox.key python "$here/firefox.py" profile 903817 "$answers/console.json" bob 1 \
        > "$answers/firefox.log" 2>&1 || code=$?
    grep ' s: ' "$answers/firefox.log" || true
    [ $code = 0 ] || tail -40 "$answers/firefox.log"
    [ "$(grep -c '^Firefox asks' "$answers/firefox.log")" = 2 ]
    return $code
}

proves "Firefox assigns a key at the console and signs in with it, each time by a PIN" at_console
