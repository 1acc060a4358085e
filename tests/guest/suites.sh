#!/bin/bash
# Suites on keys of this kernel, touched and unplugged by a simulated rig: a bench for each argument,
# all at the same time, because keys wait more than they work. An argument is a shared folder with
# lab.yaml, the keys, and a file `cases` with what to run there, each ended by a zero byte; it gets
# log.jsonl.
set -u

run_bench() {
  cd "$1" || return 1
  local control code plug
  control=$(mktemp -u) # not in the shared folder, which has no pipes
  mkfifo "$control"
  mfalab key plug ./*.key --uhid --rig rig <"$control" >plugged 2>&1 &
  plug=$!
  exec 3>"$control"
  until grep -q '^plugged in' plugged; do
    kill -0 $plug 2>/dev/null || { cat plugged; return 1; }
    sleep 0.5
  done
  xargs -0 -a cases mfalab run --lab lab.yaml --log log.jsonl -q
  code=$?
  echo quit >&3
  wait $plug
  return $code
}

benches=()
for folder in "$@"; do
  run_bench "$folder" &
  benches+=($!)
done
worst=0
for bench in "${benches[@]}"; do
  wait "$bench" || worst=1
done
exit $worst
