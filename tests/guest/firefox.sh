# Firefox ESR, headless, registers a passkey and signs in with it three times over hidraw. The user
# is verified by the key's PIN each time, which marionette types into the prompt that Firefox shows.
. "$(dirname "$0")/common.sh"
here=$(dirname "$(realpath "$0")")

preferences() {
    cat << END
user_pref("app.update.enabled", false);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("browser.dom.window.dump.enabled", true);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("dom.ipc.processPrelaunch.enabled", false);
user_pref("marionette.port", 2828);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
END
}

passkey() {
    node firefox.key > /dev/null
    mkdir -p profile
    preferences > profile/user.js
    python "$here/relying_party.py" 8019 3 > "$answers/firefox-party.log" 2>&1 &
    local party=$! code=0
    HOME=$work only firefox.key firefox-esr --headless --marionette --remote-allow-system-access --no-remote \
        --profile "$work/profile" > "$answers/firefox.log" 2>&1 &
    local browser=$!
    wait_for grep -q serving "$answers/firefox-party.log"
    python "$here/firefox.py" 2828 903817 'http://localhost:8019/?times=3'
    wait -n $party $browser || code=$?
    kill -0 $party 2> /dev/null && code=1
    cat "$answers/firefox-party.log"
    [ $code = 0 ] || tail -40 "$answers/firefox.log"
    [ "$(grep -c '^Firefox asks' "$answers/firefox.log")" = 4 ]
    return $code
}

proves "Firefox registers a passkey and signs in with it three times, each time by a PIN" passkey
