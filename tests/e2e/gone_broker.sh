#!/bin/bash
# The broker is killed under each tool; one SIGTERM then ends the tool soon, with the status of a tool that was told to
# end, whatever the tool still had to say to the broker.
. "$(dirname "$0")/situation.sh" "$1"
. "$(dirname "$0")/scrape.sh"

# Generous, for slow machines and sanitizers; the patience for a broker that answers (30 s) is well above it.
ends_within=10
topic=news

# at_work NAME API COMMAND...: starts the command in the background and returns when the daemon has had a request of that
# kind from it.
at_work() {
  local name=$1 api=$2 before; shift 2
  before=$(requests "$api")
  "$@" >"$work/$name.out" 2>"$work/$name.err" </dev/null &
  tool=$!
  until_true 20 more_requests_than "$before" "$api"
  kill -0 $tool 2>/dev/null || { cat "$work/$name.err"; fail "$name ended before the daemon did"; }
}

# ends_after_a_signal NAME API SECONDS STATUS COMMAND...: kills the daemon under the command when that is at work, lets it
# try for SECONDS, and gives it one SIGTERM, after which it ends with STATUS.
ends_after_a_signal() {
  local name=$1 api=$2 patience=$3 expected=$4 tool; shift 4
  rm -rf "$work/data"
  start_mqd --metrics 127.0.0.1:0
  mqctl topic create "$topic" -p 2 >/dev/null 2>&1 || true
  seq 1000 | mqprod "$topic" 2>/dev/null
  at_work "$name" "$api" "$@"
  kill_mqd
  sleep "$patience"
  local began=$EPOCHREALTIME status=0
  kill -TERM $tool 2>/dev/null || true
  timeout $ends_within tail -s 0.1 --pid=$tool -f /dev/null || kill -9 $tool 2>/dev/null || true
  wait $tool || status=$?
  local took; took=$(awk "BEGIN { printf \"%.2f\", $EPOCHREALTIME - $began }")
  same "$status" "$expected" "$name: exit status"
  echo "$name: status $status, $took s after SIGTERM: $(tail -n 1 "$work/$name.err")"
}

# The broker does not come back in any of these: only the signal ends them.
ends_after_a_signal produce Produce 0.5 143 mqbench produce --producers 2 --duration 60s
ends_after_a_signal e2e Fetch 0.5 143 mqbench e2e --duration 60s
ends_after_a_signal group Fetch 1 143 mqcons -f -g readers --reset start "$topic"
ends_after_a_signal group-before-it-noticed Fetch 0 143 mqcons -f -g others --reset start "$topic"
ends_after_a_signal follow Fetch 1 143 mqcons -f "$topic"
# These fail at once, and would then wait for the broker to delete their topic.
ends_after_a_signal consume Fetch 0.5 143 mqbench consume --backlog 4M --duration 60s
ends_after_a_signal rpc Produce 0.3 143 mqbench rpc --duration 60s
# A producer tries as long as --drain says.
seq 100000 >"$work/lines"
ends_after_a_signal mqprod Produce 0.5 143 mqprod --rate 100/s --drain 1s "$topic" "$work/lines"

# A broker that hangs is waited for as long as --drain after one signal, whatever --timeout is, and not at all after two.
# hangs NAME API SIGNALS STATUS COMMAND...
hangs() {
  local name=$1 api=$2 signals=$3 expected=$4 tool; shift 4
  rm -rf "$work/data"
  start_mqd --metrics 127.0.0.1:0
  at_work "$name" "$api" "$@"
  kill -STOP "$mqd_pid"
  sleep 0.3
  local began=$EPOCHREALTIME status=0
  for ((i = 0; i < signals; ++i)); do kill -TERM $tool; sleep 0.2; done
  timeout $ends_within tail -s 0.1 --pid=$tool -f /dev/null || kill -9 $tool 2>/dev/null || true
  wait $tool || status=$?
  kill_mqd
  same "$status" "$expected" "$name: exit status"
  echo "$name: status $status, $(awk "BEGIN { printf \"%.2f\", $EPOCHREALTIME - $began }") s after SIGTERM: $(tail -n 1 "$work/$name.err")"
}
hangs produce-hung Produce 1 143 mqbench produce --producers 2 --duration 60s --drain 1s
hangs e2e-hung Fetch 1 143 mqbench e2e --duration 60s --drain 1s
hangs consume-hung Fetch 1 143 mqbench consume --duration 60s --drain 1s
hangs produce-hung-twice Produce 2 143 mqbench produce --duration 60s --drain 1h
