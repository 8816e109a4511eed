#!/usr/bin/env bash
# Thousands of partitions in one broker: made, closed and opened with a number of syncs that does not grow with them, with
# little memory, and nothing lost, not after a kill -9 either. (What it takes in time: tests/bench/start_up.py.)
. "$(dirname "$0")/situation.sh"
command -v strace >/dev/null || { echo "strace is not installed"; exit 77; }
daemon=
at_end() { [ -z "$daemon" ] || kill -9 "$daemon" 2>/dev/null || true; }
rss_mib() { awk '/^VmRSS/ { print int($2 / 1024) }' "/proc/$mqd_pid/status"; }
topics=(t0 t1 t2 t3 t4 t5 t6 t7 t8 t9)
make_topics() { local topic; for topic in "${topics[@]}"; do mqctl topic create "$topic" -p "$1" >/dev/null; done; }
# write RECORDS: to each topic, so that every partition gets a batch.
write() { local topic; for topic in "${topics[@]}"; do seq 1 "$1" | mqprod --batch 100 "$topic" 2>"$work/mqprod.log"; done; }

# A thousand, with a tracer that stops the daemon at syncs only.
mqd=$(command -v mqd)
mkdir "$work/bin"; PATH="$work/bin:$PATH"
printf '#!/bin/sh\nexec strace -f --seccomp-bpf -qq -e trace=fsync,fdatasync,syncfs -e signal=none -o "%s" "%s" "$@"\n' \
  "$work/syncs" "$mqd" >"$work/bin/mqd"
chmod +x "$work/bin/mqd"
syncs() { grep -c 'sync' "$work/syncs" || true; }
start_mqd --flush async
daemon=$(pgrep -P "$mqd_pid" -x mqd) # behind the tracer
make_topics 100
made=$(syncs)
[ "$made" -lt 200 ] || fail "$made syncs for 1000 new partitions"
write 2000
before=$(syncs)
kill -TERM "$daemon"; wait "$mqd_pid" || fail "mqd did not stop well"; mqd_pid=; daemon=
closing=$(($(syncs) - before))
[ "$closing" -lt 200 ] || fail "$closing syncs to close 1000 logs"
[ -e "$work/data/.kafka_cleanshutdown" ] || fail "the stop was not clean"
rm -r "$work/bin" "$work/data"; hash -r

# Ten thousand.
check() {
  local topic
  for topic in t0 t5 t9; do
    mqcons "$topic" | sort -n >"$work/out"
    cmp "$work/out" <(seq 1 20000) || fail "not the lines that were written to $topic, $1"
  done
  [ "$(rss_mib)" -le 150 ] || fail "$(rss_mib) MiB $1"
  echo "$1: $(rss_mib) MiB"
}
start_mqd --flush async
make_topics 1000
write 20000
same 10000 "$(mqctl partition list -o tsv | tail -n +2 | wc -l)" "partitions that are listed"
stop_mqd
start_mqd --flush async
check "after a clean stop"
kill_mqd
start_mqd --flush async
check "after a kill -9"
stop_mqd
echo "syncs for a thousand partitions: $made to make, $closing to close"
