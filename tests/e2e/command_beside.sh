#!/usr/bin/env bash
# A broker for one command: each ends with the other.
. "$(dirname "$0")/situation.sh"
export TMPDIR="$work"
status=0
mqd --ephemeral -- bash -c 'seq 1 9 | mqprod t && mqcons t | cmp - <(seq 1 9) && exit 7' 2>"$work/first.log" || status=$?
same 7 $status "status of a command that ended by itself"

ended() { ! kill -0 "$1" 2>/dev/null; }
# stopped_beside PREPARATION COMMAND: starts both beside a broker, and when the first is done SIGTERM tells the broker to
# stop. The command's id is in $command.
stopped_beside() {
  rm -f "$work/command"
  mqd --ephemeral -- bash -c "$1; echo \$\$ >'$work/command.new'; mv '$work/command.new' '$work/command'; $2" 2>"$work/mqd.log" &
  mqd_pid=$!
  until_true 20 test -e "$work/command"
  command=$(cat "$work/command")
  kill -TERM "$mqd_pid"
}

stopped_beside : 'exec sleep 1000'
until_true 20 ended "$mqd_pid"
wait "$mqd_pid" || fail "mqd ended with $? after SIGTERM"
ended "$command" || fail "the command goes on without its broker"

# A command that does not care is waited for, until somebody insists.
stopped_beside "trap '' TERM" "while :; do sleep 0.1; done"
until_true 20 grep -q ' stopped' "$work/mqd.log"
kill -TERM "$mqd_pid"
status=0; wait "$mqd_pid" || status=$?
mqd_pid=
kill -KILL "$command"
same 143 $status "status after the second SIGTERM"
echo "a command and its broker end together"
