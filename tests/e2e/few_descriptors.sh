#!/usr/bin/env bash
# Many more partitions than the process may open files: all are written in one go and again and read back, nothing fails,
# no client is told of anything, and the stop is clean. So is what a kill -9 leaves.
. "$(dirname "$0")/situation.sh"
partitions=1000

# The limit is for the daemon alone.
mkdir "$work/bin"
printf '#!/bin/sh\nulimit -n 512\nexec "%s" "$@"\n' "$(command -v mqd)" >"$work/bin/mqd"
chmod +x "$work/bin/mqd"
PATH="$work/bin:$PATH"; hash -r
open_files() { find "/proc/$mqd_pid/fd" -name '[0-9]*' | wc -l; }
write() {
  seq "$1" "$2" | mqprod --batch 50 many 2>"$work/mqprod.log" || fail "a record was not taken"
  [ ! -s "$work/mqprod.log" ] || fail "the producer was told of something"
}
check() {
  mqcons many 2>"$work/mqcons.log" | sort -n >"$work/out"
  [ ! -s "$work/mqcons.log" ] || fail "the consumer was told of something"
  cmp "$work/out" <(seq 1 "$1") || fail "not the lines that were written, $2"
  [ "$(open_files)" -le 512 ] || fail "more files are open than may be"
}

for flush in ack async; do
  start_mqd --flush $flush
  grep -q "the limit of open files is 512" "$work/mqd.log" || fail "the daemon does not say how few files it may open"
  mqctl topic create many -p $partitions >/dev/null
  write 1 30000
  write 30001 60000
  check 60000 "with mq.flush=$flush"
  kill_mqd
  start_mqd --flush $flush
  check 60000 "after a kill -9"
  write 60001 90000
  check 90000 "after a kill -9 and more"
  stop_mqd
  [ -e "$work/data/.kafka_cleanshutdown" ] || fail "the stop was not clean"
  start_mqd --flush $flush
  check 90000 "after a clean stop"
  [ "$(mqctl partition list -o tsv | awk -F '\t' '$1 == "many"' | wc -l)" = $partitions ] || fail "partitions are missing"
  stop_mqd
  ! grep -i -E "too many open|error|EMFILE" "$work/mqd.log" || fail "something failed"
  rm -r "$work/data"; : >"$work/mqd.log"
done
