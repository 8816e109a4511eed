#!/usr/bin/env bash
# SIGTERM and SIGINT amid a recovery that would take minutes: the process dies of them at once, what it leaves does not
# look like a clean stop, and the next start recovers everything.
. "$(dirname "$0")/situation.sh"
. "$(dirname "$0")/tracing.sh"
lines=1000000
start_mqd --flush async
seq 1 $lines | mqprod -z none t
kill_mqd
for signal in TERM INT; do
  # Every read of the log takes two seconds, and there are dozens: the disk is slow.
  : >"$work/mqd.log"
  strace -f -qq -o "$work/trace" -P "$work/data/t-0/00000000000000000000.log" -e trace=pread64,preadv2 \
    -e inject=pread64,preadv2:delay_enter=2000000 mqd -D "$work/data" -l 127.0.0.1:0 2>"$work/mqd.log" &
  tracer=$!
  recovering() {
    kill -0 $tracer 2>/dev/null || { echo "strace cannot trace here: $(cat "$work/mqd.log")"; exit 77; }
    grep -q 'the last stop was not clean; checking' "$work/mqd.log"
  }
  until_true 20 recovering
  kill -$signal "$(pgrep -P $tracer -x mqd)"
  ended() { ! kill -0 $tracer 2>/dev/null; }
  until_true 10 ended
  status=0; wait $tracer || status=$?
  tracer=
  same $((128 + $(kill -l $signal))) $status "status after SIG$signal"
  [ ! -e "$work/data/.kafka_cleanshutdown" ] || fail "an interrupted start looks like a clean stop"
done
start_mqd --flush async
seq 1 $lines | cmp - <(mqcons t) || fail "not the records"
stop_mqd
[ -e "$work/data/.kafka_cleanshutdown" ] || fail "a clean stop has no marker"
echo "a start that was interrupted twice, and one that was not: every record is there"
