#!/usr/bin/env bash
# The daemon is killed with -9 again and again amid acks=all lines; the producer outlives it. Nothing is lost, nothing comes
# twice, nothing changes its order.
. "$(dirname "$0")/situation.sh"
lines=1000000
newest() { local line; line=$(mqcons -n 1 stream 2>/dev/null || true); echo "${line:-0}"; }
start_mqd
seq 1 $lines | mqprod -z none --batch 64K -r 150k/s stream 2>"$work/mqprod.log" &
producer=$!
for round in 1 2 3; do
  before=$(newest)
  grown() { [ "$(newest)" -gt "$((before + 20000))" ]; }
  until_true 60 grown
  kill -0 $producer 2>/dev/null || fail "the producer was done before round $round"
  kill_mqd
  start_mqd
done
wait $producer || fail "mqprod ended with $?: $(cat "$work/mqprod.log")"
mqcons stream >"$work/out"
cmp "$work/out" <(seq 1 $lines) || fail "not the lines that were acknowledged"
echo "$lines lines, killed three times: none lost, none twice, in order"
