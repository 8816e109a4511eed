#!/usr/bin/env bash
# replaced_disk.sh BIN: three mqd over etcd. The data directory of one is gone; an empty one takes over its id when somebody says
# so, copies what the others have, and no record is missing. What does not fit is refused.
. "$(dirname "$0")/situation.sh"
service=etcd
session_ms=2000
command -v etcd >/dev/null || { echo "etcd is not installed"; exit 77; }
. "$(dirname "$0")/members.sh"
status_of() { local status=0; timeout 60 "$@" 2>"$work/refused" || status=$?; echo $status; }
says() { grep -q -- "$1" "$work/refused" || fail "other words: $(cat "$work/refused")"; }
status_of_start() { local directory=$1; shift; status_of mqd -D "$work/$directory" -l 127.0.0.1:0 --meta "$url" -X mq.session.timeout.ms=$session_ms "$@"; }

for name in a b c; do start_member $name; done
export MQ_BROKERS=127.0.0.1:${ports[a]},127.0.0.1:${ports[b]},127.0.0.1:${ports[c]}
exits 0 mqctl cluster wait --for brokers=3
exits 0 mqctl topic create ack -p 6 --set mq.flush=ack
exits 0 mqctl topic create async -p 6 --set mq.flush=async
for topic in ack async; do seq 3000 | mqprod $topic; done
mqcons -g readers --reset start -c 1000 ack >"$work/read"
exits 0 mqctl cluster wait --for no-urp --within 30s

# Without need, and for nobody.
same 2 "$(status_of_start new --disk-replaced)" "status without an id"
same 2 "$(status_of mqd -D "$work/new" -l 127.0.0.1:0 --disk-replaced --node-id 2)" "status without --meta"
same 6 "$(status_of_start new --disk-replaced --node-id 2)" "status while the old one runs"
says "broker 2 is running"
same 6 "$(status_of_start new --disk-replaced --node-id 9)" "status of an id that nobody has"
says "there is no broker 9"

# The disk is gone, with what was on it. Records come meanwhile.
kill_member b
mv "$work/b" "$work/old"
for topic in ack async; do seq 3001 4000 | mqprod $topic; done
same 6 "$(status_of_start b --node-id 2)" "status without the option"
says -- "--disk-replaced"
start_member b --disk-replaced --node-id 2
exits 0 mqctl cluster wait --for no-urp --within 30s
same "1 2 3" "$(mqctl broker list --no-header | cut -f 1 | sort | xargs)" "ids"
for log in $(cd "$work/c" && find . -path './a*' -name '*.log'); do
  cmp "$work/b/$log" "$work/c/$log" || fail "$log is not copied"
done

# It has all: the others may go, one after the other.
kill_member a
leads_all() { [ -z "$(mqctl partition list --offline --no-header 2>/dev/null)" ]; }
until_true 20 leads_all
for topic in ack async; do same "$(seq 4000)" "$(mqcons $topic | sort -n)" "records of $topic"; done
mqcons -g readers ack >>"$work/read"
same "$(seq 4000)" "$(sort -n "$work/read")" "what the group has read"
start_member a
exits 0 mqctl cluster wait --for no-urp --within 30s

# The option that is left has no effect, and the old directory no place.
stop_member b
start_member b --disk-replaced --node-id 2
grep -q -- "--disk-replaced: .* leave it out" "$work/b.log" || fail "nothing is said of an option that is left"
same 6 "$(status_of_start old)" "status of the old directory"
says "belongs to another data directory"
for name in a b c; do stop_member $name; done
echo "a broker went on under its id on an empty disk, with all that the others had"
