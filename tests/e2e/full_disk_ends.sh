#!/usr/bin/env bash
# An ext4 disk is full to the last block, without room for a name either. A daemon that was killed on it starts, serves what
# is there and takes nothing; whoever deletes a topic or records, or lowers a retention, ends it, without a restart; and a
# stop says whether it went well.
. "$(dirname "$0")/situation.sh"
. "$(dirname "$0")/scrape.sh"
[ "$(id -u)" = 0 ] || { echo "a disk of its own to fill takes root, to mount one"; exit 77; }
at_end() {
  # The daemon's last files are closed when it is gone.
  for _ in 1 2 3 4 5; do umount "$work/data" 2>/dev/null && return 0; mountpoint -q "$work/data" || return 0; sleep 0.2; done
}
mkdir "$work/data"
truncate -s 192M "$work/disk"
mkfs.ext4 -q -F -m 0 "$work/disk" 2>/dev/null || { echo "there is no mkfs.ext4 here"; exit 77; }
mount -o loop "$work/disk" "$work/data" 2>/dev/null || { echo "no ext4 can be mounted here"; exit 77; }

# fill: all blocks, and then what is left of the blocks of directories.
fill() {
  local long; long=$(printf 'x%.0s' $(seq 200))
  dd if=/dev/zero of="$work/data/filler" bs=1M oflag=append conv=notrunc 2>/dev/null || true
  sync "$work/data/filler" 2>/dev/null || true
  dd if=/dev/zero of="$work/data/filler" bs=4K oflag=append conv=notrunc 2>/dev/null || true
  local directory i
  for directory in "$work/data" "$work"/data/*-0; do
    [ -d "$directory" ] || continue
    for i in $(seq 60); do : 2>/dev/null >"$directory/$long.$i" || break; done
  done
}
free_fillers() { rm -f "$work/data/filler" "$work"/data/x* "$work"/data/*-0/x*; }
megabytes() { head -c "${2}M" /dev/urandom | base64 -w 1000 | mqprod --retry 1s -z none "$1" 2>>"$work/mqprod.log"; }
kept() { mqcons kept | cmp -s - <(seq 1 1000); }
refused() { ! echo more | mqprod --retry 1s other 2>>"$work/mqprod.log"; }
taken() { echo more | mqprod --retry 1s other 2>>"$work/mqprod.log"; }
healed() { is_metric mq_data_directory_full 0 && [ "$(metric mq_data_directory_reserved_bytes)" -gt 1000000 ]; }
full() { is_metric mq_data_directory_full 1; }
expect_full() {
  # Larger than the room that a log has reserved ahead.
  ! megabytes other 8 || fail "8 MB were taken on a full disk"
  until_true 10 full
  http_get /readyz | grep -q 'the disk is full' || fail "/readyz does not say that the disk is full"
  kept || fail "reading does not go on while the disk is full"
}
expect_healed() {
  until_true 30 healed
  taken || fail "nothing is taken after $1: $(tail -n 3 "$work/mqprod.log")"
  kept || fail "not the records that were sent, after $1"
}
# delete_records TOPIC: all of partition 0; prints the error code.
delete_records() {
  python3 - "$port" "$1" <<'PYTHON'
import socket, struct, sys
name = sys.argv[2].encode()
body = struct.pack(">hhih", 21, 1, 7, -1) + struct.pack(">ih", 1, len(name)) + name + struct.pack(">iiqi", 1, 0, -1, 30000)
with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as s:
    s.sendall(struct.pack(">i", len(body)) + body)
    answer = s.makefile("rb")
    size, = struct.unpack(">i", answer.read(4))
    print(struct.unpack(">h", answer.read(size)[-2:])[0])
PYTHON
}
start() { start_mqd --segment 4M --metrics 127.0.0.1:0 "$@"; }

start
seq 1 1000 | mqprod kept
mqcons -g readers --reset start kept >/dev/null
for topic in first second third fourth; do megabytes $topic 14; done
taken

# Killed, and others have taken what was kept for deletions, too.
kill_mqd
rm "$work/data/mq-reserve"
fill
start
until_true 10 full
kept || fail "nothing can be read after a kill on a full disk"
mqctl group lag -o tsv readers | grep -q 1000 || fail "the offsets of a group are not there"
refused || fail "a record was taken in a leader epoch that could not be raised"
free_fillers
expect_healed "space was freed"
grep -q 'has room again' "$work/mqd.log" || fail "mqd does not say that there is room again"

fill
expect_full
[ "$(mqctl topic create new 2>"$work/mqctl.log"; echo $?)" != 0 ] || fail "a topic was made without room for it"
! grep -q -i policy "$work/mqctl.log" || fail "a full disk is no policy: $(cat "$work/mqctl.log")"
mqctl topic delete -y first || fail "a topic cannot be deleted on a full disk"
expect_healed "a topic was deleted"

fill
expect_full
same 0 "$(delete_records second)" "DeleteRecords on a full disk"
expect_healed "records were deleted"

fill
expect_full
mqctl config set topic/third retention.ms=1 >/dev/null || fail "a retention cannot be lowered on a full disk"
expect_healed "a retention was lowered"

# A stop with what is kept, and one without.
fill
expect_full
stop_mqd
[ -e "$work/data/.kafka_cleanshutdown" ] || fail "the stop was not clean, but ended with 0"
free_fillers
start -X mq.disk.reserve.bytes=0
kept || fail "not the records that were sent, after a stop on a full disk"
taken
fill
kill -TERM "$mqd_pid"
status=0; wait "$mqd_pid" || status=$?; mqd_pid=
[ $status = 0 ] && [ ! -e "$work/data/.kafka_cleanshutdown" ] && fail "a stop that was not clean ended with 0"
[ $status = 1 ] && [ -e "$work/data/.kafka_cleanshutdown" ] && fail "a clean stop ended with 1"
free_fillers
start
expect_healed "a stop on a full disk"
mqctl topic delete -y fourth
stop_mqd
for directory in "$work"/data/*-0; do
  mqctl segment verify "$directory" >"$work/verify.log" || fail "damage: $(cat "$work/verify.log")"
done
! grep -q offline "$work/mqd.log" || fail "a full disk is not a broken one"
echo "a full disk was ended by a deletion, by DeleteRecords and by a retention; the last stop on it ended with $status"
