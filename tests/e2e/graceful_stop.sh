#!/usr/bin/env bash
# SIGTERM with idempotent requests in flight, and a start again: the producer goes on where it was (P-6).
. "$(dirname "$0")/situation.sh"
lines=400000
newest() { local line; line=$(mqcons -n 1 stream 2>/dev/null || true); echo "${line:-0}"; }
start_mqd
seq 1 $lines | mqprod -z none --batch 16K --inflight 5 -r 100k/s stream 2>"$work/mqprod.log" &
producer=$!
for round in 1 2; do
  before=$(newest)
  grown() { [ "$(newest)" -gt "$((before + 20000))" ]; }
  until_true 60 grown
  kill -0 $producer 2>/dev/null || fail "the producer was done before round $round"
  stop_mqd
  start_mqd
done
wait $producer || fail "mqprod ended with $?: $(cat "$work/mqprod.log")"
cmp <(mqcons stream) <(seq 1 $lines) || fail "not the lines that were acknowledged"
echo "$lines lines, stopped twice: none lost, none twice, in order"
