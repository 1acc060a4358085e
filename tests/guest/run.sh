#!/bin/bash
# Plug keys in and set strangers on them, all at the same time, each with keys of its own: under
# emulation they wait for the processor anyway, and a person's touch costs none.
#
# run.sh ANSWERS KEYS SCRIPT...: what SCRIPT says goes to ANSWERS/SCRIPT.log. KEYS is a folder with
# key files; they are copied, and those in KEYS/untouched are touched by nobody but lines of control.
export answers=$1
made=$2
shift 2
here=$(dirname "$(realpath "$0")")
export keys=/run/home/keys
mkdir -p "$keys"
cp -r "$made/." "$keys"

plug_in() { # FIFO TOUCH KEY...
    local fifo=$1 touch=$2
    shift 2
    mkfifo "$fifo"
    # Opened for both ends, or the first line of control would also be the last.
    nice -n -10 mfalab key plug "$@" --uhid --touch "$touch" <> "$fifo" > "$answers/plug-$touch.log" 2>&1 &
}
plug_in "$keys/control" yes "$keys"/*.key
plug_in "$keys/untouched/control" no "$keys"/untouched/*.key

# The console that browsers go to. Its clock stands, and its challenges wait for slow processors.
mfalab serve --db :memory: --clock virtual --administrator alice --user bob --user carol \
    --figure passkeys=true --figure user_verification=required --figure attestation=none \
    --figure challenge_lifetime='20 min' --json > "$answers/console.json" 2> "$answers/console.log" &

for script in "$@"; do
    (
        export work=/run/home/$script
        bash "$here/$script" < /dev/null > "$answers/$script.log" 2>&1
        echo "## ended after $SECONDS s" >> "$answers/$script.log"
    ) &
    running+=($!)
done
wait "${running[@]}"
cat /proc/uptime > "$answers/uptime"
