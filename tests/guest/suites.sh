#!/bin/bash
# The suites about security keys on keys of this kernel, touched and unplugged by a simulated rig.
# Arguments: a shared folder with lab.yaml, the log to write, and the suites.
set -u
cd "$1" || exit 1
log=$2
shift 2
models="ctap-2.1-pin u2f-2016 fido-2.0 ctap-2.3 enterprise"
number=0
for model in $models; do
  number=$((number + 1))
  mfalab key new "$model.key" --model "$model" --seed "$number" || exit 1
done
control=$(mktemp -u) # not in the shared folder, which has no pipes
mkfifo "$control"
# shellcheck disable=SC2086 # a word for each key
mfalab key plug $(printf '%s.key ' $models) --uhid --rig rig <"$control" >plugged 2>&1 &
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
