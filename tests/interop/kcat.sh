#!/usr/bin/env bash
# kcat: every codec and acks level, idempotence, keys and headers, groups, offsets by time, metadata.
. "$(dirname "$0")/on_broker.sh"
need kcat "kcat"
on_broker --partitions=3

kc() { timeout 60 kcat -b "$MQ_BROKERS" -q "$@"; }
put() { kc -P -X linger.ms=300 "$@"; }  # full batches; librdkafka leaves small ones uncompressed
ends_at() { [ "$(kc -Q -t "$1:0:-1")" = "$1 [0] offset $2" ]; }
on_disk() { "$here/batches.py" "$@"; }

cd "$scratch"
lines=4000
awk -v n=$lines 'BEGIN { srand(7); for (i = 1; i <= n; i++) printf "%d %x %s\n", i, rand() * 2^31, "the same words again and again" }' >in

for codec in none gzip snappy lz4 zstd; do
  for acks in 0 1 all; do
    topic=$codec-$acks
    put -t "$topic" -p 0 -z $codec -X acks=$acks <in
    until_true 20 ends_at "$topic" $lines  # acks=0 waits for nothing
    kc -C -t "$topic" -p 0 -o beginning -e -X check.crcs=true >out
    same "$topic" in out
    on_disk --codec $codec --plain --records $lines "$data/$topic-0"
  done
  put -t "$codec-once" -p 0 -z $codec -X enable.idempotence=true -X batch.num.messages=500 <in
  kc -C -t "$codec-once" -p 0 -o beginning -e >out
  same "idempotent $codec" in out
  on_disk --codec $codec --idempotent --records $lines "$data/$codec-once-0"
done
echo "codecs, acks, idempotence: ok"

printf 'k1:v1\nk2:v2\n' | kc -P -t keyed -p 0 -K: -H colour=blue -H size=
kc -C -t keyed -p 0 -e -f '%k=%s %h at %o\n' >out
printf 'k1=v1 colour=blue,size= at 0\nk2=v2 colour=blue,size= at 1\n' >wanted
same "keys and headers" wanted out

printf 'early 1\nearly 2\n' | kc -P -t timed -p 0
between=$(date +%s%3N)
printf 'late 1\nlate 2\n' | kc -P -t timed -p 0
kc -C -t timed -p 0 -o "s@$between" -e >out
printf 'late 1\nlate 2\n' >wanted
same "from a time on" wanted out
kc -C -t timed -p 0 -o s@0 -o "e@$between" -e >out
printf 'early 1\nearly 2\n' >wanted
same "up to a time" wanted out
kc -C -t timed -p 0 -o 1 -c 2 >out
printf 'early 2\nlate 1\n' >wanted
same "from an offset on" wanted out
kc -C -t timed -p 0 -o -1 -e >out
printf 'late 2\n' >wanted
same "from the end back" wanted out
echo "keys, headers, times: ok"

# Two members share a topic; a third run of the group finds nothing left.
awk '{ print $1 ":" $0 }' in | kc -P -t shared -K:
members=()
for member in 1 2; do
  timeout 60 kcat -b "$MQ_BROKERS" -q -u -X auto.offset.reset=earliest -G readers shared >"member$member" 2>/dev/null &
  members+=($!)
done
read_all() { [ "$(sort -u member1 member2 | wc -l)" -eq $lines ]; }
until_true 40 read_all
kill -TERM "${members[@]}"
wait "${members[@]}" || true
sort -u member1 member2 >out
sort in >wanted
same "what a group of two read" wanted out
kc -X auto.offset.reset=earliest -e -G readers shared >out
[ ! -s out ] || fail "the group reads $(wc -l <out) records again"
echo "groups: ok"

kc -L >out
for wanted in 'controller' 'topic "shared" with 3 partitions' 'partition 2, leader 1'; do
  grep -q "$wanted" out || { cat out; fail "no '$wanted' in the metadata"; }
done
kc -L -t 'zstd-all' -J | python3 -c 'import json, sys; assert [t["topic"] for t in json.load(sys.stdin)["topics"]] == ["zstd-all"]'
echo "metadata: ok"
