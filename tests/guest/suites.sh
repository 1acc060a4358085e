#!/bin/bash
# The suites about security keys on keys of this kernel, touched and unplugged by a simulated rig.
# Arguments: a shared folder with lab.yaml and the keys, the log to write, and the suites.
set -u
cd "$1" || exit 1
log=$2
shift 2
control=$(mktemp -u) # not in the shared folder, which has no pipes
mkfifo "$control"
mfalab key plug ctap-2.1-pin.key u2f-2016.key fido-2.0.key ctap-2.3.key enterprise.key --uhid --rig rig <"$control" >plugged 2>&1 &
plug=$!
exec 3>"$control"
until grep -q '^plugged in' plugged; do
  kill -0 $plug 2>/dev/null || { cat plugged; exit 1; }
  sleep 0.5
done
mfalab run "$@" --lab lab.yaml --log "$log" -q
code=$?
echo quit >&3
wait $plug
exit $code
