#!/usr/bin/env bash
# Ctrl-C in the middle: what mqprod had read is in the topic, and it says so with its exit status. With the broker away the
# pipe waits and nothing is lost.
. "$(dirname "$0")/situation.sh"
start_mqd
mkfifo "$work/pipe"
mqprod --linger 1h lingering <"$work/pipe" 2>"$work/mqprod.log" &
producer=$!
exec 8>"$work/pipe"
printf 'one\ntwo\nthree\n' >&8
ready() { mqcons lingering >/dev/null 2>&1; }  # mqprod makes the topic once its signals are its own
until_true 20 ready
taken() { kill -USR1 $producer 2>/dev/null; grep -q '3 records read' "$work/mqprod.log"; }
until_true 20 taken
kill -INT $producer
status=0; wait $producer || status=$?
exec 8>&-
same 130 $status "exit status after Ctrl-C"
same "$(printf 'one\ntwo\nthree')" "$(mqcons lingering)" "lines after Ctrl-C"

# With --rate little is read ahead; after Ctrl-C that is sent without waiting for its time, and nothing else is.
seq 100000 >"$work/many"
mqprod --rate 20/s paced "$work/many" 2>/dev/null &
producer=$!
some() { [ "$(mqcons paced 2>/dev/null | wc -l)" -ge 5 ]; }
until_true 20 some
kill -INT $producer
status=0; wait $producer || status=$?
same 130 $status "exit status after Ctrl-C at a rate"
mqcons paced | head -c -1 >"$work/paced"  # the last line may have been read in part
cmp -n "$(stat -c %s "$work/paced")" "$work/paced" "$work/many" || fail "bytes lost after Ctrl-C at a rate"
[ "$(wc -l <"$work/paced")" -lt 2000 ] || fail "$(wc -l <"$work/paced") lines were read at 20/s"

# The broker goes away in the middle and comes back.
{ seq 1 1000; until [ -e "$work/back" ]; do read -r -t 1 <> <(:) || true; done; seq 1001 2000; } | mqprod away 2>"$work/mqprod2.log" &
producer=$!
first_half() { [ "$(mqcons away 2>/dev/null | wc -l)" -ge 1000 ]; }
until_true 20 first_half
kill_mqd
touch "$work/back"
said_so() { grep -q . "$work/mqprod2.log"; }
until_true 40 said_so
start_mqd
wait $producer || fail "mqprod ended with $?"
cmp <(mqcons away) <(seq 1 2000) || fail "lines lost or doubled while the broker was away"
echo "Ctrl-C and an absent broker lose nothing"
