#!/bin/bash
# A stall of the broker that outlasts the window of mqbench is in its latencies: what waited through it was asked for in
# the window and is the slowest of all.
. "$(dirname "$0")/situation.sh" "$1"
. "$(dirname "$0")/scrape.sh"
start_mqd --metrics 127.0.0.1:0

# number NAME: of the JSON report.
number() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1])).get(sys.argv[2], "none"))' "$work/report" "$1"; }
at_least() { awk "BEGIN { exit !($1 >= $2) }" || fail "$3: $1, not $2 or more"; }

# stalls_over_the_end NAME COMMAND...: stops the daemon in the command's window and lets it go on after it. The first request
# comes before the window begins.
stalls_over_the_end() {
  local name=$1 before; shift
  before=$(requests Produce)
  "$@" --json -w 0s -t 1500ms >"$work/report" 2>"$work/$name.err" &
  local tool=$!
  until_true 20 more_requests_than $((before + 20)) Produce
  kill -STOP "$mqd_pid"
  sleep 2
  kill -CONT "$mqd_pid"
  wait $tool || fail "$name: $(cat "$work/$name.err")"
  echo "$name: $(cat "$work/report")"
}
stalls_over_the_end rpc mqbench rpc
at_least "$(number latency_max_us)" 1500000 "rpc: the longest wait"
stalls_over_the_end produce mqbench produce -r 1000/s
at_least "$(number response_p90_us)" 1500000 "produce: every tenth record waited"
same 0 "$(number unsent)" "produce: records without room"
at_least "$(number longest_ack_gap_ms)" 1500 "produce: the longest time without an acknowledgement"
stalls_over_the_end e2e mqbench e2e -r 1000/s
at_least "$(number response_p90_us)" 1500000 "e2e: every tenth record waited"
same 0 "$(number missing)" "e2e: missing records"
# Where what is due does not even find room, its number is told.
stalls_over_the_end full mqbench produce -r 20000/s --batch 16K
at_least "$(number unsent)" 1000 "produce: records without room"

# A broker that answers no more ends a run; it does not have to be ended by a signal.
for command in rpc "produce -r 1000/s --drain 1s"; do
  before=$(requests Produce)
  mqbench $command --timeout 1s -w 100ms -t 1s >"$work/report" 2>"$work/hung.err" &
  tool=$!
  until_true 20 more_requests_than "$before" Produce
  kill -STOP "$mqd_pid"
  status=0
  timeout 20 tail -s 0.1 --pid=$tool -f /dev/null || { kill -9 $tool; fail "$command waits for ever"; }
  wait $tool || status=$?
  kill -CONT "$mqd_pid"
  same 3 $status "$command: exit status when the broker hangs"
done
