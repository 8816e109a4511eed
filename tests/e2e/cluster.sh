#!/usr/bin/env bash
# cluster.sh BIN etcd|zookeeper: three mqd over one store. Clients see one cluster, a broker that dies is replaced by the others
# and comes back under its id, a stop hands its leadership over first, and what does not belong together is refused with what to
# do about it.
. "$(dirname "$0")/situation.sh"
service=$2
command -v kcat >/dev/null || { echo "kcat is not installed"; exit 77; }
session_ms=10000  # a killed one is replaced long before
. "$(dirname "$0")/members.sh"
seen_by() { kcat -L -J -m 5 -b "127.0.0.1:${ports[$1]}" 2>/dev/null; }
ids_by() { seen_by "$1" | python3 -c 'import json, sys; print(*sorted(b["id"] for b in json.load(sys.stdin)["brokers"]))'; }
leaders_by() {
  seen_by "$1" | python3 -c 'import json, sys
topics = {t["topic"]: t for t in json.load(sys.stdin)["topics"]}
print(*sorted({p["leader"] for p in topics.get("t", {"partitions": []})["partitions"]}))'
}
ids_are() { [ "$(ids_by "$1")" = "$2" ]; }
leaders_are() { [ "$(leaders_by "$1")" = "$2" ]; }
replicas_by() {
  seen_by "$1" | python3 -c 'import json, sys
for topic in json.load(sys.stdin)["topics"]:
  for partition in topic["partitions"]: print(*sorted(r["id"] for r in partition["replicas"]))' | sort -u
}
status_of() { local status=0; timeout 90 "$@" 2>"$work/refused" || status=$?; echo $status; }
says() { grep -q -- "$1" "$work/refused" || fail "other words: $(cat "$work/refused")"; }

for name in a b c; do start_member $name --rack "rack-$name"; done
for name in a b c; do until_true 10 ids_are $name "1 2 3"; done
mqctl -b "127.0.0.1:${ports[b]}" topic create t -p 6 >/dev/null
until_true 10 leaders_are c "1 2 3"
same "1 2 3" "$(replicas_by a)" "replicas of a topic whose maker names no factor"

# A killed process is replaced long before its session, of 10 s here, has ended: also the controller.
mqctl -b "127.0.0.1:${ports[a]}" topic create steady -p 12 >/dev/null
mqbench produce steady -r 200/s -w 0s -t 8s --json -b "127.0.0.1:${ports[a]},127.0.0.1:${ports[c]}" >"$work/steady" 2>"$work/steady.err" &
load=$!
timeout 20 mqcons steady -c 100 -b "127.0.0.1:${ports[a]}" >/dev/null || fail "nothing arrives"
kill_member b
until_true 20 leaders_are a "1 3"
ids_are c "1 3" || fail "the dead broker is named: $(ids_by c)"
wait $load || fail "a steady producer: $(cat "$work/steady.err")"
python3 -c 'import json, sys
report = json.load(open(sys.argv[1]))
print("steady producer:", report)
assert report["response_max_us"] < 8e6, "a record waited for the session to end"
assert report["unsent"] == 0' "$work/steady" || fail "the dead broker was replaced late"
grep -q "refuses connections" "$work"/{a,c}.log || fail "nobody saw the process end"
start_member b
until_true 10 ids_are a "1 2 3"

stop_member a
leaders=$(leaders_by c)
case " $leaders " in *" 1 "* | *" -1 "*) fail "a stop has not handed over: $leaders" ;; esac
start_member a
until_true 10 ids_are b "1 2 3"

stop_member c
cp -r "$work/c" "$work/copy"
start_member c
stop_member c
same 6 "$(status_of mqd -D "$work/copy" -l 127.0.0.1:0 --meta "$url")" "status of a copy"
says "is a copy of the directory of broker 3"
same 6 "$(status_of mqd -D "$work/c" -l 127.0.0.1:0)" "status without --meta"
says "start it with --meta"
same 6 "$(status_of mqd -D "$work/c" -l 127.0.0.1:0 --meta "$url" --node-id 5)" "status with another id"
same 6 "$(status_of mqd -D "$work/new" -l 127.0.0.1:0 --meta "$url" --node-id 1)" "status with an id of another directory"
says "belongs to another data directory"
same 6 "$(status_of mqd -D "$work/new" -l '*:0' --meta "$url")" "status of a listener that nobody could reach"
says -- "--advertise"
same 7 "$(status_of mqd -D "$work/c" -l 127.0.0.1:0 --meta "$url-of-others")" "status where there is no cluster any more"
says "is \(empty\|missing\)"
mqd -D "$work/other" -l 127.0.0.1:0 --meta "$url-of-others" --ready-fd 7 7>"$work/other.ready" 2>>"$work/other.log" & pids[other]=$!
until_true 20 test -s "$work/other.ready"
stop_member other
same 6 "$(status_of mqd -D "$work/c" -l 127.0.0.1:0 --meta "$url-of-others")" "status in another cluster"
says "names cluster"
same 2 "$(status_of mqd -D "$work/new" -l 127.0.0.1:0 --meta "$service://u:secret@127.0.0.1:$store_port")" "status of a password in an argument"
! grep -q secret "$work/refused" || fail "it repeats the password"
same 2 "$(status_of mqd -D "$work/new" -l 127.0.0.1:0 --meta "$service://u@127.0.0.1:$store_port" -X mq.meta.password=secret)" "status of a password in a setting"
! grep -q secret "$work/refused" || fail "it repeats the password"
same 3 "$(status_of mqd -D "$work/new" -l 127.0.0.1:0 --meta "$service://127.0.0.1:$(free_port)")" "status without a store"
start_member c
echo "three brokers over $service: one died, each was stopped, the strangers were refused"
