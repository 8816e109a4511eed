#!/usr/bin/env bash
# The disk fills up under a producer, again and again, with segments that roll all the time: producing fails with an
# error that says what to do, reading goes on, and whenever space is freed the same daemon and the same producer go on.
# Nothing that was acknowledged is lost, nothing comes twice.
. "$(dirname "$0")/situation.sh"
. "$(dirname "$0")/scrape.sh"
[ "$(id -u)" = 0 ] || { echo "a disk of its own to fill takes root, to mount one"; exit 77; }
at_end() {
  [ -z "${producer:-}" ] || kill -9 "$producer" 2>/dev/null || true
  # The daemon's last files are closed when it is gone.
  for _ in 1 2 3 4 5; do umount "$work/data" 2>/dev/null && return 0; mountpoint -q "$work/data" || return 0; sleep 0.2; done
}
mkdir "$work/data"
mount -t tmpfs -o size=48m mq-full-disk "$work/data" || { echo "no tmpfs can be mounted here"; exit 77; }
# Not ours, in pieces, so that space comes back little by little.
for piece in 0 1 2 3 4 5 6 7; do head -c 4M /dev/zero >"$work/data/filler.$piece"; done

lines=300000
line() { seq -f 'a line of a hundred bytes or so, so that forty megabytes are not too many of them, number %.0f' 1 $lines; }
start_mqd --segment 256K --metrics 127.0.0.1:0
end_offset() { mqctl partition list -o tsv full 2>/dev/null | awk -F'\t' 'NR == 1 { for (i = 1; i <= NF; i++) if (tolower($i) ~ /end/) c = i } NR == 2 { print $c }'; }
mqctl topic create full >/dev/null
line | mqprod -z none --batch 32K full 2>"$work/mqprod.log" &
producer=$!

full() { [ "$(grep -c 'is full' "$work/mqd.log")" -gt 0 ]; }
until_true 60 full
grep 'is full' "$work/mqd.log" | grep -q 'no restart is needed' || fail "mqd does not say what to do"
until_true 10 grep -q . "$work/mqprod.log"

# Full to the last page: neither a roll nor an index nor the metadata finds room.
dd if=/dev/zero of="$work/data/filler.rest" bs=4K 2>/dev/null || true
[ "$(mqctl topic create another 2>"$work/mqctl.log"; echo $?)" != 0 ] || fail "a topic was made without room for it"
before=$(end_offset)
mqcons -o "..$before" full >"$work/seen"
cmp "$work/seen" <(line | head -n "$before") || fail "reading does not go on while the disk is full"
same 200 "$(status_of_path /healthz)" "alive while the disk is full"
kill -0 $producer || fail "mqprod gave up: $(cat "$work/mqprod.log")"

rm "$work/data/filler.rest"
for piece in 0 1 2 3 4 5 6 7; do
  before=$(end_offset)
  rm "$work/data/filler.$piece"
  grown() { [ "$(end_offset)" -gt "$before" ] || ! kill -0 $producer 2>/dev/null; }
  until_true 60 grown
done
wait $producer || fail "mqprod ended with $?: $(cat "$work/mqprod.log")"
producer=
mqcons full >"$work/out"
cmp "$work/out" <(line) || fail "not the lines that were sent"
same 200 "$(status_of_path /readyz)" "ready again"
mqctl topic create another >/dev/null || fail "no topic can be made with room for it"
! grep -q offline "$work/mqd.log" || fail "a full disk is not a broken one"
segments=$(ls "$work"/data/full-0/*.log | wc -l)
stop_mqd
mqctl segment verify "$work/data/full-0" >"$work/verify.log" || fail "damage: $(cat "$work/verify.log")"
start_mqd
mqcons full | cmp - <(line) || fail "not the lines that were sent, after a restart"
stop_mqd
echo "$lines lines through a full disk into $segments segments: $(grep -c 'is full' "$work/mqd.log") complaints, none lost, none twice"
