#!/usr/bin/env bash
# A topic is deleted and created again under who writes to it and who reads it: nothing hangs, nothing is skipped without
# a word, and what follows goes to the new one.
. "$(dirname "$0")/situation.sh"
at_end() { kill -9 $(jobs -p) 2>/dev/null || true; }
start_mqd
says() { grep -qE -- "$1" "$work/stderr" || fail "it does not say '$1' but: $(cat "$work/stderr")"; }
ended() { ! kill -0 "$1" 2>/dev/null; }
create_again() { mqctl topic delete -y t >/dev/null; mqctl topic create t "$@" >/dev/null; }

# mqprod, with fewer partitions than before.
mqctl topic create t -p 3 >/dev/null
mkfifo "$work/pipe"
mqprod --linger 0s --batch 1 t <"$work/pipe" 2>"$work/stderr" &
producer=$!
exec 8>"$work/pipe"
seq 100 >&8
all() { [ "$(mqcons t 2>/dev/null | wc -l)" = 100 ]; }
until_true 20 all
create_again -p 1
seq 101 200 >&8
exec 8>&-
until_true 30 ended $producer
status=0; wait $producer || status=$?
# Records for partitions that are gone, if there were any, are reported; all others are in the new topic.
lost=$(sed -n 's/.*mqprod: \([0-9]*\) of 200 records were not acknowledged.*/\1/p' "$work/stderr")
same 100 $((${lost:-0} + $(mqcons t | wc -l))) "records of the new topic and those reported"
[ "${lost:-0}" = 0 ] || { same 5 $status "status"; says "t has no partition [12]: it has 1"; }

# mqcons that follows: the new topic is longer than what it had read, so its place is one there, too.
mqctl topic delete -y t >/dev/null; mqctl topic create t >/dev/null
seq 10 | mqprod t
follow() {
  : >"$work/out"
  mqcons -f t >"$work/out" 2>"$work/stderr" &
  reader=$!
  until_true 20 ten
}
ten() { [ "$(wc -l <"$work/out")" = 10 ]; }
follow
create_again
seq 1001 1050 | mqprod t
until_true 30 ended $reader
status=0; wait $reader || status=$?
same 5 $status "status of the reader"
says "t-0: the topic was deleted and created again"
same "$(seq 10 | xargs)" "$(xargs <"$work/out")" "nothing of the new topic is passed off as what follows"

# The old topic's leader had a later epoch than the new one's.
kill_mqd; start_mqd
follow
create_again
until_true 30 ended $reader
says "t-0: the topic was deleted and created again"
echo "a topic that is created again is noticed"
