#!/usr/bin/env bash
# metadata.db goes back in time, by a flipped bit in its log and by an older copy: mqd does not start as if its topics had
# never been, changes nothing, names them, and goes on only when it is told to.
. "$(dirname "$0")/situation.sh"
flip() { # FILE POSITION: one bit
  local byte; byte=$(od -An -tu1 -j "$2" -N 1 "$1")
  printf "\\x$(printf %x $((byte ^ 4)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}
contents() { (cd "$work/data" && find . -type f ! -name .lock -exec sha256sum {} + | sort -k 2); }
refused() {
  local before status=0; before=$(contents)
  timeout 60 mqd -D "$work/data" -l 127.0.0.1:0 2>"$work/refused" || status=$?
  same 7 $status "status of the start: $(cat "$work/refused")"
  grep -q 'metadata.db has gone back in time.*--accept-store' "$work/refused" || fail "other words: $(cat "$work/refused")"
  same "$before" "$(contents)" "what the refused start has left"
}
names() { grep -q -- "$1 (" "$work/refused" || fail "it does not name $1: $(cat "$work/refused")"; }
strays() { find "$work/data" -maxdepth 1 -name "$1-*-stray" | wc -l; }

start_mqd
for n in $(seq 12); do seq 100 | mqprod "t$n"; done
mqcons -g readers --reset start t1 >/dev/null
kill_mqd
log=$work/data/metadata.db-wal
position=$(($(stat -c %s "$log") * 2 / 5))
flip "$log" $position
refused
names t12; names __consumer_offsets
flip "$log" $position
start_mqd
same 12 "$(mqctl topic list -q | grep -c '^t[0-9]')" "topics when the bit is back"
seq 100 | cmp - <(mqcons t12) || fail "not the records"
stop_mqd

cp "$work/data/metadata.db" "$work/older"
start_mqd
seq 5 | mqprod young
stop_mqd
cp "$work/older" "$work/data/metadata.db"
refused
names young
start_mqd --accept-store
same 1 "$(strays young)" "logs set aside"
! mqcons young >/dev/null 2>&1 || fail "a topic that metadata does not know is served"
seq 100 | cmp - <(mqcons t3) || fail "what metadata knows is not served"
kill_mqd
start_mqd
echo 101 | mqprod t3
stop_mqd
echo "two stores that had gone back: refused, named, accepted once"
