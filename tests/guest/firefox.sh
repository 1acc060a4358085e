# Firefox ESR, headless, registers a passkey and signs in with it three times over hidraw. The user
# is verified by the key's PIN each time, which marionette types into the prompt that Firefox shows.
. "$(dirname "$0")/common.sh"
here=$(dirname "$(realpath "$0")")

passkey() {
    node firefox.key > /dev/null
    mv "$keys/firefox.profile" profile
    python "$here/relying_party.py" 8019 3 > "$answers/firefox-party.log" 2>&1 &
    local party=$! code=0
    wait_for grep -q serving "$answers/firefox-party.log"
    only firefox.key python "$here/firefox.py" profile 903817 'http://localhost:8019/?times=3' \
        > "$answers/firefox.log" 2>&1 &
    wait -n $party $! || code=$?
    kill -0 $party 2> /dev/null && code=1
    cat "$answers/firefox-party.log"
    [ $code = 0 ] || tail -40 "$answers/firefox.log"
    [ "$(grep -c '^Firefox asks' "$answers/firefox.log")" = 4 ]
    return $code
}

proves "Firefox registers a passkey and signs in with it three times, each time by a PIN" passkey
