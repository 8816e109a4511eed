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
is_there() { mqcons "$1" >/dev/null 2>&1; }  # mqprod makes the topic once its signals are its own
until_true 20 is_there lingering
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
mqcons paced >"$work/paced"
cmp "$work/paced" <(head -n "$(wc -l <"$work/paced")" "$work/many") || fail "not whole lines after Ctrl-C at a rate"
[ "$(wc -l <"$work/paced")" -lt 2000 ] || fail "$(wc -l <"$work/paced") lines were read at 20/s"

# A line that was read in part: its end is read, and nothing behind it; half a line is not sent.
mkfifo "$work/begun"
exec 9<>"$work/begun"
read_one() { kill -USR1 $producer 2>/dev/null; grep -q '1 records read' "$work/mqprod.log"; }
begin_a_line() {
  : >"$work/mqprod.log"
  mqprod --linger 1h "$1" <&9 2>"$work/mqprod.log" &
  producer=$!
  until_true 20 is_there "$1"
  printf 'whole\nbeg' >&9
  until_true 20 read_one
  kill -"$2" $producer
  until_true 20 grep -q 'waiting for 1 records' "$work/mqprod.log"
}
begin_a_line begun INT
printf 'un\nnext\n' >&9
status=0; wait $producer || status=$?
same 130 $status "exit status"
same "whole begun" "$(mqcons begun | xargs)" "the line that was read in part"
read -r -t 10 rest <&9
same next "$rest" "what stands behind it"
begin_a_line cut HUP
status=0; wait $producer || status=$?
same 129 $status "exit status after SIGHUP"
same "whole" "$(mqcons cut | xargs)" "a line whose end did not come"
grep -q 'the last 3 bytes, a record without its end, were not sent' "$work/mqprod.log" || fail "$(cat "$work/mqprod.log")"
exec 9>&-

# A reader of the copy that takes nothing keeps nothing back, and is not waited for.
mkfifo "$work/copy"
exec 9<>"$work/copy"
mqprod -T stalled "$work/many" >&9 2>"$work/mqprod.log" &
producer=$!
some() { [ "$(mqcons -c 1 stalled 2>/dev/null | wc -l)" = 1 ]; }
until_true 20 some
kill -TERM $producer
waited=$SECONDS status=0
wait $producer || status=$?
same 143 $status "exit status with a stalled copy"
[ $((SECONDS - waited)) -lt 15 ] || fail "the reader of the copy was waited for"
count=$(sed -n 's/.*mqprod: \([0-9]*\) records read, \([0-9]*\) acknowledged, 0 failed.*/\1 \2/p' "$work/mqprod.log")
lines=$(mqcons stalled | wc -l)
same "$lines $lines" "$count" "records read, acknowledged and in the topic"
cmp <(mqcons stalled) <(head -n "$lines" "$work/many") || fail "not whole lines with a stalled copy"
exec 9>&-

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
