#!/usr/bin/env bash
# adopt.sh BIN etcd|zookeeper: one mqd with topics, records and a group becomes the first member of a cluster, with everything that it
# has. Two more join, and it dies: what has grown to three lost nothing. What does not fit is refused, and an adoption that is killed
# amid 1,000 topics is gone on with (over etcd).
. "$(dirname "$0")/situation.sh"
service=$2
session_ms=4000
[ "$service" = zookeeper ] || command -v etcd >/dev/null || { echo "etcd is not installed"; exit 77; }
. "$(dirname "$0")/members.sh"
here=$(dirname "$0")
status_of() { local status=0; timeout 60 "$@" 2>"$work/refused" || status=$?; echo $status; }
says() { grep -q -- "$1" "$work/refused" || fail "other words: $(cat "$work/refused")"; }

# Alone: topics of both flush classes, a compacted one, one whose factor somebody chose, settings, a group amid its topic.
start_mqd
for topic in ack async; do exits 0 mqctl topic create $topic -p 2 --set mq.flush=$topic; done
exits 0 mqctl topic create compacted --compact
exits 0 mqctl topic create chosen -r 1
exits 0 mqctl config set cluster log.retention.ms=777000000
for topic in ack async chosen; do seq 1000 | mqprod $topic; done
seq 1000 | awk '{ print $1 % 10 "\t" $1 }' | mqprod -K '	' compacted
mqcons -g readers --reset start -c 400 ack >"$work/read"
# A producer that goes on: its broker is away meanwhile, and another one when it is back.
{ seq 500; until [ -e "$work/go-on" ]; do sleep 0.1; done; seq 501 1000; } | mqprod steady 2>"$work/steady.err" & producer=$!
steady_has() { [ "$(mqcons steady 2>/dev/null | wc -l)" = "$1" ]; }
until_true 20 steady_has 500
topics=$(mqctl topic list --no-header | cut -f 1 | sort | xargs)
stop_mqd
cp -r "$work/data" "$work/before"

# What does not fit is refused, and nothing has become of it.
same 2 "$(status_of mqd -D "$work/data" --adopt)" "status without --meta"
same 6 "$(status_of mqd -D "$work/data" -l 127.0.0.1:0 --meta "$url")" "status without --adopt"
says -- "--adopt"
same 6 "$(status_of mqd -D "$work/nothing" -l 127.0.0.1:0 --meta "$url" --adopt)" "status of an empty directory"
says "has nothing to adopt"
same 6 "$(status_of mqd -D "$work/data" -l 127.0.0.1:0 --meta "$url" --adopt --node-id 7)" "status with another id"
says "belongs to node 1, this is node 7"
start_member other
same 6 "$(status_of mqd -D "$work/data" -l 127.0.0.1:0 --meta "$url" --adopt)" "status of a store that is in use"
says "is there already"
stop_member other
url=$url-adopted

# Adopted. Everything is there, byte for byte.
mv "$work/data" "$work/a"
ports[a]=$port
start_member a --adopt
export MQ_BROKERS=127.0.0.1:${ports[a]}
for log in $(cd "$work/before" && find . -name '*.log'); do
  cmp -n "$(stat -c %s "$work/before/$log")" "$work/before/$log" "$work/a/$log" || fail "$log is not as it was"
done
[ ! -e "$work/a/metadata.db" ] && [ -e "$work/a/metadata.db.adopted" ] || fail "the file it had: $(ls "$work/a")"
same "$topics" "$(mqctl topic list --no-header | cut -f 1 | sort | xargs)" "topics"
same 777000000 "$(mqctl config get broker/1 log.retention.ms --no-header | cut -f 3)" "a setting of all brokers"
same "$(seq 1000)" "$(mqcons ack | sort -n)" "records of the group's topic"
same "$(seq 1000)" "$(mqcons async | sort -n)" "records of an async topic"
same 10 "$(mqcons -F '%k\n' compacted | sort -u | wc -l)" "keys of the compacted topic"
mqcons -g readers ack >>"$work/read"
same "$(seq 1000)" "$(sort -n "$work/read")" "what the group has read before and after"
touch "$work/go-on"
wait $producer || fail "the producer: $(cat "$work/steady.err")"
same "$(seq 1000)" "$(mqcons steady | sort -n)" "records of a producer that went on"

# The option has no effect any more.
stop_member a
start_member a --adopt
grep -q -- "--adopt: $work/a belongs to the cluster .* leave it out" "$work/a.log" || fail "nothing is said of an option that is left"
stop_member a
same 6 "$(status_of mqd -D "$work/a" -l 127.0.0.1:0)" "status without --meta"
same 6 "$(status_of mqd -D "$work/before" -l 127.0.0.1:0 --meta "$url" --adopt)" "status of a copy"
start_member a

# Others join, under ids above it. What nobody chose a factor for grows, what we keep ourselves too; then it dies.
for name in b c; do start_member $name; done
MQ_BROKERS=$MQ_BROKERS,127.0.0.1:${ports[b]},127.0.0.1:${ports[c]}
exits 0 mqctl cluster wait --for brokers=3
same "1 2 3" "$(mqctl broker list --no-header | cut -f 1 | sort | xargs)" "ids"
has_grown() {
  mqctl partition list --no-header | awk -F'\t' '$1 != "chosen" { split($5, r, ","); if (length(r) < 3) exit 1 }' &&
    mqctl cluster wait --for no-urp --within 5s >/dev/null 2>&1
}
until_true 60 has_grown
same 1 "$(mqctl partition list chosen --no-header | cut -f 5)" "replicas of a topic whose factor was chosen"
seq 1001 1500 | mqprod ack
kill_member a
is_led() { [ -z "$(mqctl partition list --offline --no-header 2>/dev/null | grep -v '^chosen')" ]; }
until_true 20 is_led
same "$(seq 1500)" "$(mqcons ack | sort -n)" "records after it died"
same "$(seq 1000)" "$(mqcons steady | sort -n)" "records after it died"
mqcons -g readers ack >>"$work/read"
same "$(seq 1500)" "$(sort -n "$work/read")" "what the group has read at its new coordinator"
for name in b c; do stop_member $name; done
if [ "$service" != etcd ]; then echo "one mqd became the first of a cluster over $service with all that it had; it died, and nothing was lost"; exit 0; fi

# One with 1,000 topics is killed amid its adoption, again and again: before anything is there, amid it, before the last step.
port=
start_mqd
mqctl topic create $(seq -f 'many-%g' 1000) >/dev/null
seq 100 | mqprod many-500
stop_mqd
way_port=$(free_port)
url=etcd://127.0.0.1:$way_port/many
is_listening() { (exec 9<>"/dev/tcp/127.0.0.1/$way_port") 2>/dev/null; }
for count in 0 1 9 8 3; do
  python3 "$here/held_store.py" $way_port "$store_port" $count "$work/held" 2>>"$work/way.log" & way=$!
  pids[way]=$way
  until_true 10 is_listening
  mqd -D "$work/data" -l 127.0.0.1:0 --meta "$url" --adopt 2>>"$work/mqd.log" & mqd_pid=$!
  until_true 30 test -e "$work/held"
  kill_mqd
  kill_member way
  rm "$work/held"
  if [ $count = 9 ]; then # amid it
    python3 "$here/held_store.py" $way_port "$store_port" 1000000 "$work/held" 2>>"$work/way.log" & pids[way]=$!
    until_true 10 is_listening
    same 6 "$(status_of mqd -D "$work/before" -l 127.0.0.1:0 --meta "$url" --adopt)" "status of a second directory"
    says "of broker 1 is being adopted there"
    same 6 "$(status_of mqd -D "$work/data" -l 127.0.0.1:0 --meta "$url")" "status of a start that does not go on"
    says -- "--adopt"
    kill_member way
  fi
done
python3 "$here/held_store.py" $way_port "$store_port" 1000000 "$work/held" 2>>"$work/way.log" & pids[way]=$!
until_true 10 is_listening
mv "$work/data" "$work/many"
start_member many --adopt
export MQ_BROKERS=127.0.0.1:${ports[many]}
same 1000 "$(mqctl topic list --no-header | grep -c '^many-')" "topics"
same "$(seq 100)" "$(mqcons many-500 | sort -n)" "records"
stop_member many
echo "one mqd became the first of a cluster with all that it had, also when it was killed amid that; it died, and nothing was lost"
