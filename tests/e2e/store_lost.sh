#!/usr/bin/env bash
# store_lost.sh BIN etcd|zookeeper: three mqd whose store dies. Producing and reading go on, what changes metadata is refused with
# what to do, a stop is short and clean, a leader that may have been replaced says so, and all is well when the store is back.
. "$(dirname "$0")/situation.sh"
service=$2
command -v kcat >/dev/null || { echo "kcat is not installed"; exit 77; }
. "$(dirname "$0")/members.sh"
refuses() {
  local status=0 begun=$SECONDS
  timeout 60 "$@" >"$work/out" 2>"$work/err" || status=$?
  same 3 $status "status of $* (it said: $(cat "$work/err"))"
  took=$((SECONDS - begun))
}
refused_at_once() { refuses mqctl topic create late; [ $took -le 3 ]; }
leaders_by() {
  kcat -L -J -m 5 -b "127.0.0.1:${ports[$1]}" -t t 2>/dev/null | python3 -c 'import json, sys
print(*sorted({p["leader"] for t in json.load(sys.stdin)["topics"] for p in t["partitions"]}))'
}
# names_not NAME ID: that broker tells of somebody, and not of this one.
names_not() {
  local leaders; leaders=$(leaders_by "$1")
  [ -n "$leaders" ] && ! grep -qw -- "$2" <<<"$leaders"
}
can_create() { timeout 20 mqctl topic create "$1" >/dev/null 2>&1; }

for name in a b c; do start_member $name; done
export MQ_BROKERS=127.0.0.1:${ports[a]},127.0.0.1:${ports[b]},127.0.0.1:${ports[c]}
mqctl cluster wait --for brokers=3 --within 30s >/dev/null
mqctl topic create t long -p 3 -r 3 >/dev/null
mqctl cluster wait --within 30s >/dev/null
seq 100 | mqprod t

kill -9 "$store_pid"; wait "$store_pid" 2>/dev/null || true
refuses mqctl topic create early
[ $took -le 29 ] || fail "the first change was refused after $took s only"
until_true 40 refused_at_once
grep -q "cannot be reached since .* UTC, for .* s: nothing was changed" "$work/err" || fail "other words: $(cat "$work/err")"
status=0
mqctl cluster health --no-header >"$work/out" || status=$?
same 1 $status "status of cluster health while the store is away"
grep -q "^metadata store.bad.1.*cannot be reached since" "$work/out" || fail "health says: $(cat "$work/out")"
seq 101 200 | timeout 30 mqprod t || fail "producing ends with the store"
timeout 20 mqcons t | sort -n | cmp - <(seq 200) || fail "records are missing"
# However long that is: MQ_STORE_AWAY seconds.
records=$((1000 * ${MQ_STORE_AWAY:-2}))
seq $records | mqprod --rate 1000/s long || fail "producing ends while the store is away"
timeout 60 mqcons long | sort -n | cmp - <(seq $records) || fail "records are missing"

# A broker stops. For all that the others know it leads now: what they led is led by nobody for a while.
# 5 s for the hand-over, and for calls that are on their way: 5 s at most with etcd, 10 s with ZooKeeper.
begun=$SECONDS
stop_member a
[ $((SECONDS - begun)) -le 20 ] || fail "a stop took $((SECONDS - begun)) s"
grep -q "leadership could not be handed over" "$work/a.log" || fail "the stop does not say so: $(tail -5 "$work/a.log")"
until_true 20 names_not b 2
until_true 20 names_not c 3
start_"$service"
# Everything is led by the others: -1 would be nobody. By one of them alone where the other's session ended once more, since a server
# that has just begun may leave a client without an answer.
until_true 30 names_not b 1
until_true 30 can_create anew
start_member a
! grep -q "the last stop was not clean" "$work/a.log" || fail "the stop without the store was not clean"
mqctl cluster wait --for healthy --within 60s >/dev/null
seq 201 300 | mqprod t
timeout 20 mqcons t | sort -n | cmp - <(seq 300) || fail "records are missing"
echo "$service died and came back: brokers went on, and said what they could not do"
