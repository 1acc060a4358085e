# pam_u2f: a login stack of Linux, judged by pamtester.
. "$(dirname "$0")/common.sh"

SERVICE=mfalab-guest
cat > /etc/pam.d/$SERVICE << END
auth required pam_u2f.so authfile=$work/mapping origin=pam://guest appid=pam://guest debug debug_file=$work/debug
account required pam_permit.so
END
for person in alice bob carol; do
    grep -q "^$person:" /etc/passwd || echo "$person:x:$((2000 + ${#person})):2000::/run/home:/bin/sh" >> /etc/passwd
done
touch debug

register() { # PERSON KEY
    only "$2" pamu2fcfg -u "$1" -o pam://guest -i pam://guest >> mapping
    echo >> mapping
}

authenticate() { # PERSON KEY
    : > debug
    if only "$2" pamtester $SERVICE "$1" authenticate < /dev/null; then
        return 0
    fi
    tail -30 debug
    return 1
}

good() {
    register alice pam.key
    cut -c1-60 mapping
    authenticate alice pam.key
}

others() {
    register bob pam-other.key
    authenticate bob pam-other.key
    refused authenticate alice pam-other.key
    refused authenticate bob pam.key
}

unknown() {
    refused authenticate carol pam.key
}

untouched() {
    register carol untouched.key &
    touching=$!
    # Nobody touches this key but us, and only when we say so.
    while kill -0 $touching 2> /dev/null; do
        echo "touch untouched.key" > "$keys/untouched/control"
        sleep 2
    done
    wait $touching
    refused authenticate carol untouched.key
}

proves "pam_u2f lets the owner of a key in" good
proves "pam_u2f refuses the key of another user" others
proves "pam_u2f refuses a user without a key" unknown
proves "pam_u2f refuses a key that nobody touches" untouched
