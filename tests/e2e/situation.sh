# Sourced by every script of this folder: programs on the path, a directory that goes away, a daemon to start and kill.
set -euo pipefail
export PATH="$1:$PATH"
work=$(mktemp -d "${TMPDIR:-/tmp}/mq-e2e.XXXXXX")
mqd_pid=
at_end() { :; } # a script that mounts something or starts more than mqd says here how it goes away
trap 'status=$?; [ -z "$mqd_pid" ] || kill -9 "$mqd_pid" 2>/dev/null || true; at_end; [ $status = 0 ] || tail -n 40 "$work"/*.log 2>/dev/null || true; rm -rf "$work"; exit $status' EXIT

fail() { echo "FAILED: $*" >&2; exit 1; }

# start_mqd [OPTION]...: on $work/data and always the same port, so that clients find it again. Returns when it is ready.
port=
start_mqd() {
  mkfifo "$work/ready.$$.$RANDOM" 2>/dev/null || true
  local ready; ready=$(mktemp -u "$work/ready.XXXXXX"); mkfifo "$ready"
  mqd -D "$work/data" -l "127.0.0.1:${port:-0}" --ready-fd 7 "$@" >>"$work/mqd.log" 2>&1 7>"$ready" &
  mqd_pid=$!
  local line; line=$(timeout 20 head -n 1 "$ready") || fail "mqd was not ready in 20 s"
  [ -n "$line" ] || fail "mqd ended before it was ready"
  export MQ_BROKERS=${line#MQ_BROKERS=}
  port=${MQ_BROKERS##*:}
}

kill_mqd() { kill -9 "$mqd_pid"; wait "$mqd_pid" 2>/dev/null || true; mqd_pid=; }

# stop_mqd: gracefully; fails when it does not end well.
stop_mqd() {
  kill -TERM "$mqd_pid"
  local status=0; wait "$mqd_pid" || status=$?
  mqd_pid=
  [ $status = 0 ] || fail "mqd ended with $status after SIGTERM"
}

# until_true SECONDS COMMAND...: a condition, not a sleep.
until_true() {
  local end=$((SECONDS + $1)); shift
  until "$@"; do [ $SECONDS -lt $end ] || fail "not in time: $*"; done
}

# exits CODE COMMAND...: runs it; its output is in $out, its complaints in $err.
exits() {
  local expected=$1 status=0; shift
  out=$("$@" 2>"$work/err.log") || status=$?
  err=$(<"$work/err.log")
  same "$expected" "$status" "$* (it said: $out $err)"
}
has() { grep -q -- "$1" <<<"$out$err" || fail "no '$1' in: $out $err"; }
# column NAME: of the table in $out.
column() { awk -F'\t' -v name="$1" 'NR == 1 { for (i = 1; i <= NF; ++i) if ($i == name) at = i; next } { print $at }' <<<"$out"; }

same() { [ "$1" = "$2" ] || fail "${3:-not the same}: '$1' and '$2'"; }
