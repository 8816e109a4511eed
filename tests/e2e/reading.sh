#!/usr/bin/env bash
# mqcons: where it begins and ends, in which order it writes, how it looks, and what a group commits.
. "$(dirname "$0")/situation.sh"
at_end() { kill -9 $(jobs -p) 2>/dev/null || true; }

status() { local status=0; "$@" >"$work/stdout" 2>"$work/stderr" || status=$?; echo $status; }
says() { grep -qE -- "$1" "$work/stderr" || fail "it does not say '$1' but: $(cat "$work/stderr")"; }
gone() { ! kill -0 "$1" 2>/dev/null; }
start_mqd

# Ranges: half open, of some partitions, several of one partition, overlapping ones, outside the log.
seq 0 99 | mqprod lines
same "10 11" "$(mqcons -o 10..12 lines | xargs)" "A..B"
same "0 1" "$(mqcons -o ..2 lines | xargs)" "..B"
same "98 99" "$(mqcons -o 98.. lines | xargs)" "A.."
same "97" "$(mqcons -o end-3..end-2 lines | xargs)" "end-N"
same "1 2" "$(mqcons -o start+1..start+3 lines | xargs)" "start+N"
same "0 1 5 6 7 8 99" "$(mqcons -o 0..2,5..7,6..9,99.. lines | xargs)" "several ranges"
same "0 1" "$(mqcons -c 2 lines lines | xargs)" "a topic named twice"
same "" "$(mqcons -o 1000..2000 lines)" "behind the end"
same "95 96 97 98 99" "$(mqcons -o -5 lines | xargs)" "kcat's -N"
same "0 1 5 6" "$(mqcons -o '0..2, 5..7' lines | xargs)" "a list with blanks"
same 0 "$(status mqcons -o 5..5 lines)" "an empty range"
[ ! -s "$work/stdout" ] && [ ! -s "$work/stderr" ] || fail "an empty range is not silently empty"
for reversed in 5..2 end-2..end-5 @2025-02-01..@2025-01-31; do
  same 2 "$(status mqcons -o $reversed lines)" "$reversed"
  says "the range ends before it begins"
done
same 2 "$(status mqcons --since -1h --until -2h lines)" "until before since"
says "this is before --since"
same 0 "$(status mqcons --since -1h --until -1h lines)" "from a time to the same"
for reversed in end-2..50 50..end-98 98..@2025-01-31; do
  same 0 "$(status mqcons -o $reversed lines)" "$reversed, which only the log tells"
  [ ! -s "$work/stdout" ] || fail "$reversed reads something"
  says "nothing is read of lines-0: the range would begin at [0-9]+ and end before that, at [0-9]+"
done
mqctl topic create three -p 3 >/dev/null
for i in 0 1 2 3 4 5 6 7 8; do echo $i | mqprod -p $((i % 3)) three; done
same "0 2 3 5 6 8" "$(mqcons -p '0, 2' three | xargs)" "-p"
same "1 2 5 8" "$(mqcons -o 1=..1,2=start three | xargs)" "ranges of partitions"
same 5 "$(status mqcons -p 3 three)" "a partition that is not there"
same 5 "$(status mqcons -o 0=start,3=1..2 three)" "a range of a partition that is not there"
says "three has no partition 3: it has 3"
same 2 "$(status mqcons -o committed three)" "the place of no group"

# The order of times over the partitions, record by record, also within large batches.
mqctl topic create merged -p 2 >/dev/null
mkfifo "$work/to.0" "$work/to.1"
mqprod -p 0 --linger 10s merged <"$work/to.0" & first=$!
mqprod -p 1 --linger 10s merged <"$work/to.1" & second=$!
exec 8>"$work/to.0" 9>"$work/to.1"
for i in $(seq 1 40); do
  if [ $((i % 2)) = 0 ]; then echo "$i" >&8; else echo "$i" >&9; fi
  read -r -t 0.01 <> <(:) || true  # most have a millisecond of their own
done
exec 8>&- 9>&-
wait $first $second
mqcons -F '%T %p %s\n' merged >"$work/merged"
sort -s -n -c -k1,1 "$work/merged" || fail "the order is not that of the times"
same "$(seq 1 40 | xargs)" "$(cut -d' ' -f3 "$work/merged" | sort -n | xargs)" "all of a merge"
[ "$(cut -d' ' -f2 "$work/merged" | uniq | wc -l)" -gt 10 ] || fail "one partition after the other: $(cat "$work/merged")"
same "$(tail -10 "$work/merged")" "$(mqcons -F '%T %p %s\n' -n 10 merged)" "the last ten of two partitions"
same "$(cat "$work/merged")" "$(mqcons -F '%T %p %s\n' -n 1000 merged)" "more than there are"
same "" "$(mqcons -n 0 merged)" "the last none"

# Many of the last are not held in memory: these would be 250 MB.
most_memory() {
  python3 -c 'import resource, subprocess, sys
subprocess.run(sys.argv[2:], stdout=open(sys.argv[1], "w"), check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10)' "$@"
}
seq -f "%01000.0f" 1 260000 | mqprod large
mib=$(most_memory "$work/last" mqcons -n 250000 large)
same "250000 260000" "$(wc -l <"$work/last") $(tail -1 "$work/last" | sed 's/^0*//')" "the last 250,000"
[ "$mib" -lt 150 ] || fail "mqcons -n took $mib MiB of memory"

# Times, in every form.
middle=$(mqcons -F '%T\n' -o 0=10..11 merged)
iso=$(mqcons -F '%{ts:iso}\n' -o 0=10..11 merged)
for time in "$middle" "$iso"; do
  mqcons --since "$time" merged >"$work/since"
  first=$(head -1 "$work/since") rest=$(wc -l <"$work/since")
  same 40 $((rest + $(mqcons --until "$time" merged | wc -l))) "records before and after $time"
  same "$(awk -v from="$middle" '$1 >= from { print $3; exit }' "$work/merged")" "$first" "the first since $time"
done
for time in -1h today 2025-01-31 '2025-01-31 14:00' 2025-01-31T14:00:05.250+01:00 1735689600 1735689600000000; do
  same 40 "$(mqcons --since "$time" merged | wc -l)" "records since $time"
  same 0 "$(mqcons --until "$time" merged | wc -l)" "records until $time"
done
same 0 "$(mqcons --since now merged | wc -l)" "records since now"

# How a record looks.
printf 'k\x1fv\xff\n' | mqprod -K '\x1f' looks
same 'looks/0@0 k=1 2' "$(mqcons -F '%t/%p@%o %k=%K %S\n' looks)" "short tokens"
same '76ff dv8= 1 "k" create' "$(mqcons -F '%{value:hex} %{value:base64} %{key:len} %{key:json} %{ts_type}\n' looks)" "long tokens"
mqcons -J looks | python3 -c '
import base64, json, sys
r = json.loads(sys.stdin.read())
assert (r["topic"], r["partition"], r["offset"], r["key"], r["headers"]) == ("looks", 0, 0, "k", []), r
assert base64.b64decode(r["value_b64"]) == b"v\xff" and r["ts_type"] == "create", r' || fail "the envelope is wrong"
printf 'k\0' | cmp - <(mqcons -F '%k' -0 looks) || fail "-0 with a format"
same 2 "$(status mqcons -J -F '%s' looks)" "two ways to write a record"
same 2 "$(status mqcons -F '%{value:nothing}' looks)" "a format that makes no sense"
grep -q '%{FIELD' <<<"$(mqcons -F help)" || fail "no help about formats"
grep -q 'POS' <<<"$(mqcons -o help)" || fail "no help about positions"

# Following ends where a range ends, sees partitions that come later, and outlives the broker.
timeout 20 mqcons -f -o 98..102 lines >"$work/followed" &
reader=$!
seq 100 101 | mqprod lines
wait $reader || fail "following a range ended with $?"
same "98 99 100 101" "$(xargs <"$work/followed")" "a range that is followed"
same "100 101" "$(timeout 20 mqcons -f -o "100..@$(date -d '+1 second' +%s)" lines | xargs)" "until a time that comes"
mqcons -f -n 1 lines >"$work/outlived" 2>"$work/stderr" &
reader=$!
until_true 20 grep -q 101 "$work/outlived"
kill_mqd
start_mqd
seq 102 103 | mqprod lines
until_true 20 grep -q 103 "$work/outlived"
kill -INT $reader
state=0; wait $reader || state=$?
same 130 $state "status after Ctrl-C"
same "101 102 103" "$(xargs <"$work/outlived")" "followed over a restart"

# Who follows ends with the reader of what it writes, also when no record comes any more; a group commits first.
{ timeout 20 mqcons -f lines || echo $? >"$work/status"; } | head -1 >/dev/null
same 141 "$(cat "$work/status")" "a follower whose reader went away"
mkfifo "$work/leaving"
mqcons -f -g leaving --reset end lines >"$work/leaving" 2>/dev/null &
reader=$!
exec 9<"$work/leaving"
joined() { mqctl group describe "$1" 2>/dev/null | grep -q Stable; }
until_true 20 joined leaving
exec 9<&-
until_true 20 gone $reader
state=0; wait $reader || state=$?
same 141 $state "a member whose reader went away"
same 104 "$(mqctl group lag leaving --no-header | cut -f 4)" "what it committed"

# A group: what was written is committed, also in the middle; what was not is read again; empty partitions have a place.
same 6 "$(status mqcons -g g three)" "a group that never read this"
says "no committed offset for three-0; --reset start"
mqctl topic create sparse -p 3 >/dev/null
for i in $(seq 20); do echo "$i"; done | mqprod -p 1 --batch 1 sparse
same "$(seq 5 | xargs)" "$(mqcons -g g --reset start -c 5 sparse | xargs)" "five"
same "$(seq 6 20 | xargs)" "$(mqcons -g g sparse | xargs)" "the rest"
echo 21 | mqprod -p 2 sparse
same 21 "$(mqcons -g g sparse)" "a partition that was empty"
same 0 "$(status mqcons -g late --reset end sparse)" "a group that begins at the end"
echo 22 | mqprod -p 0 sparse
same 22 "$(mqcons -g late sparse)" "what came after it first looked"
seq 1 100000 | mqprod --batch 4K broken
{ mqcons -g g --reset start broken || echo $? >"$work/status"; } | head -100 >"$work/read"
same 141 "$(cat "$work/status")" "a reader that went away"
mqcons -g g --reset start broken >>"$work/read"
seq 1 100000 | cmp - <(sort -nu "$work/read") || fail "a group skipped what nobody had read"
same 5 "$(status mqcons -g g no-such-topic)" "a topic that is not there"
for what in '-n 1' '-o 1' '-p 0' '--since now'; do
  # shellcheck disable=SC2086
  same 2 "$(status mqcons -g g $what three)" "-g with $what"
done

# A topic that is written to without a pause has an end for a group, too.
{ while echo tick; do read -r -t 0.02 <> <(:) || true; done; } | mqprod --linger 0s busy 2>/dev/null &
ticks() { [ "$(mqcons busy 2>/dev/null | wc -l)" -gt 10 ]; }
until_true 20 ticks
same 0 "$(status timeout 20 mqcons -g reads-busy --reset start busy)" "a group that reads a busy topic"
[ -s "$work/stdout" ] || fail "a group read nothing of a busy topic"
same 0 "$(status timeout 20 mqcons -g reads-busy busy)" "a group that goes on in a busy topic"
pkill -P $$ mqprod

# A member that comes to a group with others gets its share before it ends, though they give it up only when asked.
mqctl topic create shared -p 2 >/dev/null
mqcons -f -g sharing --reset start shared >/dev/null 2>&1 &
reader=$!
until_true 20 joined sharing
same 0 "$(status timeout 30 mqcons -vv -g sharing shared)" "a second member"
grep -q 'generation [0-9]*, 1 partition$' "$work/stderr" || fail "a second member ended without its partition"
kill -INT $reader
wait $reader || true

# A reader that takes nothing is not waited for after SIGTERM.
mkfifo "$work/stuck"
exec 9<>"$work/stuck"
mqcons -g stuck --reset start broken >&9 2>/dev/null &
reader=$!
until_true 20 joined stuck
kill -TERM $reader
until_true 20 gone $reader
state=0; wait $reader || state=$?
same 143 $state "status with a reader that takes nothing"
exec 9>&-

# Ctrl-C of members that are reading: nothing is skipped.
seq 1 300000 | mqprod --batch 16K -z none worked
: >"$work/worked"
for _ in 1 2 3 4 5; do
  # With nothing left to read nothing says that the next one is up, and it would miss the signal.
  [ "$(tail -1 "$work/worked")" != 300000 ] || break
  mqcons -f -g workers --reset start worked >>"$work/worked" &
  reader=$! had=$(wc -c <"$work/worked")
  grown() { [ "$(wc -c <"$work/worked")" -gt "$had" ] || [ "$(tail -1 "$work/worked")" = 300000 ]; }
  until_true 20 grown
  kill -INT $reader
  wait $reader || true
done
mqcons -g workers worked >>"$work/worked"
seq 1 300000 | cmp - "$work/worked" || fail "interrupted members skipped or repeated records"
echo "mqcons reads what was asked for"
