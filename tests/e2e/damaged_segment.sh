#!/usr/bin/env bash
# A byte of a sealed segment rots: it is never served as good, and what lies before it still is.
. "$(dirname "$0")/situation.sh"
start_mqd --segment 64K
seq 1 50000 | mqprod -z none --batch 8K rotten
stop_mqd
segment=$work/data/rotten-0/00000000000000000000.log
[ "$(ls "$work"/data/rotten-0/*.log | wc -l)" -gt 2 ] || fail "not enough segments"
printf 'X' | dd of="$segment" bs=1 seek=30000 conv=notrunc status=none
start_mqd --segment 64K
status=0
mqcons rotten >"$work/out" 2>"$work/mqcons.log" || status=$?
[ $status -ne 0 ] || fail "mqcons ended well on a damaged log"
[ -s "$work/out" ] || fail "what lies before the damage was not served"
cmp "$work/out" <(seq 1 "$(wc -l <"$work/out")") || fail "damaged bytes were served"
mqcons -o 40000.. rotten >"$work/rest"
cmp "$work/rest" <(seq 40001 50000) || fail "what lies behind the damage was not served"
echo "$(wc -l <"$work/out") lines before the damage, exit status $status"
