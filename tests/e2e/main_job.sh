#!/usr/bin/env bash
# Real input in, the same bytes out: every readable file of /var/log, a dictionary, and binary files with -0; again after a
# kill -9 and after a graceful stop.
. "$(dirname "$0")/situation.sh"
start_mqd

# Lines: only files that end in a newline come back byte for byte, so the end is added where it is missing.
find /var/log -type f -readable -size -20M ! -name '*.gz' -print0 | sort -z >"$work/files"
n=0
while IFS= read -r -d '' file; do
  tr -d '\0' <"$file" >"$work/in.$n" || continue
  [ -s "$work/in.$n" ] || continue
  [ -z "$(tail -c 1 "$work/in.$n")" ] || echo >>"$work/in.$n"
  mqprod "log.$n" "$work/in.$n"
  n=$((n + 1))
done <"$work/files"
[ $n -gt 0 ] || fail "no readable log under /var/log"
echo "$n files of /var/log"

# The dictionary: words of this machine, whichever it has, and many more lines made from numbers.
{ cat /usr/share/dict/words 2>/dev/null || true; seq 1 200000; } >"$work/dictionary"
mqprod -z zstd dictionary "$work/dictionary"

# Binary: anything between NUL bytes.
{ head -c 3000000 "$(command -v mqd)"; printf '\0'; } >"$work/binary"
mqprod -0 --max-record 4M -X max.message.bytes=8388608 binary "$work/binary" 2>/dev/null || mqprod -0 --max-record 900K binary "$work/binary"

check_all() {
  for ((i = 0; i < n; i++)); do cmp "$work/in.$i" <(mqcons "log.$i") || fail "log.$i after $1"; done
  cmp "$work/dictionary" <(mqcons dictionary) || fail "dictionary after $1"
  cmp "$work/binary" <(mqcons -0 binary) || fail "binary after $1"
  echo "all the same after $1"
}
check_all "writing"
kill_mqd
start_mqd
check_all "kill -9"
stop_mqd
[ -e "$work/data/.kafka_cleanshutdown" ] || fail "a graceful stop left no marker"
start_mqd
check_all "a graceful stop"
stop_mqd
