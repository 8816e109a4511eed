# Sourced by each test. A test first gets its client (`need`, then the registry), then calls `on_broker`, which starts the
# script anew inside `mqd --ephemeral`; what stands below that line runs with MQ_BROKERS set and mqd's files in $data.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
data=$MQ_SCRATCH/data
scratch=$MQ_SCRATCH/work

# need COMMAND WHAT: the test is skipped when the machine lacks COMMAND.
need() {
  command -v "$1" >/dev/null || { echo "skipped: needs $2 (no '$1' in PATH)"; exit 77; }
}

# fetched COMMAND...: runs a step that asks a registry.
fetched() {
  timeout 180 "$@" >"$MQ_SCRATCH/fetch.log" 2>&1 || { cat "$MQ_SCRATCH/fetch.log"; echo "cannot get the client: $*"; exit 1; }
}

# python_with REQUIREMENTS: $python is then one of a virtual environment beside the build that has them from PyPI.
python_with() {
  need python3 "Python 3"
  local venv=$MQ_SCRATCH/venv
  python=$venv/bin/python3
  cmp -s "$1" "$venv/installed" && return
  fetched python3 -m venv "$venv"
  fetched "$venv/bin/pip" install -q -r "$1"
  cp "$1" "$venv/installed"
}

# on_broker [MQD-OPTION]...
on_broker() {
  if [ -z "${MQ_ON_BROKER:-}" ]; then
    rm -rf "$data" "$scratch"
    mkdir -p "$scratch"
    MQ_ON_BROKER=yes exec timeout -k 5 200 mqd --ephemeral -D "$data" "$@" -- "$here/$(basename "$0")"
  fi
}

fail() { echo "FAILED: $*"; exit 1; }

# same WHAT FILE FILE: equal, byte for byte.
same() {
  [ "$(md5sum <"$2")" = "$(md5sum <"$3")" ] || { diff <(head -c 100000 "$2") <(head -c 100000 "$3") | head -5; fail "$1: $2 and $3 differ"; }
}

# until_true LIMIT COMMAND...: asks again until COMMAND succeeds, for at most LIMIT seconds.
until_true() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    [ $SECONDS -lt $end ] || fail "not so within its time: $*"
    read -r -t 0.2 <> <(:) || true  # a pause without a process
  done
}
