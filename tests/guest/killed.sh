# kill -9 of the process that plugs a key in.
. "$(dirname "$0")/common.sh"
here=$(dirname "$(realpath "$0")")

killed() {
    python "$here/killed_while_plugged.py" uhid 6
}

proves "a key whose process is killed leaves nothing behind" killed
