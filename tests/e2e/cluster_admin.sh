#!/usr/bin/env bash
# cluster_admin.sh BIN: what an operator does with mqctl to three mqd over etcd. A broker dies and comes back, another one dies
# for good and is replaced; partitions move meanwhile, and no record is missing in the end.
. "$(dirname "$0")/situation.sh"
service=etcd
keep_leaders=yes  # where they are looked at, however long that takes
command -v etcd >/dev/null || { echo "etcd is not installed"; exit 77; }
. "$(dirname "$0")/members.sh"

gone() { mqctl broker list | awk -F'\t' '$4 == "gone" { print $1 }' | xargs; }
gone_is() { [ "$(gone)" = "$1" ]; }
offline_is() { [ "$(mqctl partition list --offline --no-header | awk -F'\t' '{ print $1 "/" $2 }' | xargs)" = "$1" ]; }
is_led() { [ -z "$(mqctl partition list "$1" --offline --no-header)" ]; }

for name in a b c; do start_member $name; done
export MQ_BROKERS=127.0.0.1:${ports[a]},127.0.0.1:${ports[b]},127.0.0.1:${ports[c]}
exits 0 mqctl cluster wait --for brokers=3
exits 0 mqctl topic create t -p 3 -r 3
exits 0 mqctl cluster wait --within 30s
exits 0 mqctl cluster health
same "ok" "$(column result | sort -u)"
exits 0 mqctl why partition t/0
has 'is well'
seq 3000 | mqprod t
exits 2 mqctl cluster wait --for brokers=none
exits 2 mqctl partition move t/0 '1>1'

# One dies. It is told which, what that means, and what to do.
kill_member b
until_true 30 gone_is 2
exits 0 mqctl cluster wait --for brokers=2
exits 1 mqctl cluster health
has 'brokers gone.*bad.*1.*2'
exits 0 mqctl partition list --urp t
same 3 "$(column partition | wc -l)"
until_true 20 is_led t
exits 0 mqctl why partition t/0 --no-header
has "broker 2 (127.0.0.1:${ports[b]}) is gone"
exits 3 mqctl cluster wait --within 1s
has 'the time is up: brokers gone'
seq 3001 4000 | mqprod t
exits 6 mqctl broker remove 1 --yes
exits 5 mqctl broker remove 77 --yes

# It comes back, catches up, and leads again what it led when somebody asks.
start_member b
exits 0 mqctl cluster wait --for no-urp --within 60s
exits 0 mqctl partition list --not-preferred
same 1 "$(column partition | wc -l)" "partitions that others lead"
exits 0 mqctl partition elect -n
same "would be elected" "$(column result)"
exits 0 mqctl partition elect
same "elected 2" "$(column result) $(column to)"
exits 0 mqctl cluster wait --within 20s
exits 0 mqctl partition list --not-preferred
same "" "$(column partition)"
exits 0 mqctl partition elect t/0
same "not needed" "$(column result)"

# A partition moves with its records; without consent only the plan is shown.
exits 0 mqctl topic create u -p 1 -r 1
seq 500 | mqprod u
exits 0 mqctl partition list u
from=$(column leader)
to=$((from == 1 ? 2 : 1))
exits 8 mqctl partition move u/0 $to
same "would move $from $to" "$(column result) $(column from) $(column to)"
exits 0 mqctl partition move u/0 "$from>$to" --yes --wait 60s
same moved "$(column result)"
exits 0 mqctl partition list u
same "$to $to" "$(column leader) $(column replicas)"
mqcons u | cmp - <(seq 500) || fail "records are missing after a move"
exits 0 mqctl partition move u/0 $to --yes
same "as it is" "$(column result)"
exits 2 mqctl partition move u/0 9 --yes
exits 6 mqctl partition cancel u/0

# A limit holds a move back, and its end lets it go on at once.
exits 0 mqctl topic create w -p 1 -r 1
head -c 900000 /dev/urandom | base64 -w 1000 | mqprod w
exits 0 mqctl partition list w
from=$(column leader)
exits 0 mqctl config set cluster mq.reassignment.rate=200000
began=$SECONDS
exits 0 mqctl partition move w/0 "$from>$((from % 3 + 1))" --yes --wait 60s
[ $((SECONDS - began)) -ge 3 ] || fail "1.2 MB at 200 kB/s took $((SECONDS - began)) s"
exits 0 mqctl config set cluster mq.reassignment.rate=1
exits 0 mqctl partition move w/0 "$((from % 3 + 1))>$from" --yes
exits 0 mqctl partition moves
same w "$(column topic)"
exits 0 mqctl config set cluster --unset mq.reassignment.rate
exits 0 mqctl cluster wait --for healthy --within 60s
until_true 60 eval '[ -z "$(mqctl partition moves --no-header)" ]'
[ "$(mqcons w | wc -l)" = 1200 ] || fail "records are missing after a move that was held back"
exits 0 mqctl topic delete w --yes

# One dies for good: what goes there waits and can be called off; what only it has is told, and keeps it from being removed.
exits 0 mqctl topic create v -p 1 -r 1
exits 0 mqctl partition list v
[ "$(column leader)" = 3 ] || exits 0 mqctl partition move v/0 3 --yes --wait 60s
kill_member c
until_true 30 gone_is 3
exits 0 mqctl partition move u/0 3 --yes
same moving "$(column result)"
exits 0 mqctl partition moves
same "u 3 $to" "$(column topic) $(column adding) $(column removing)"
exits 0 mqctl why partition u
has 'does not get on'
exits 0 mqctl partition cancel
same "cancelled $to" "$(column result) $(column replicas)"
exits 0 mqctl partition moves
same "" "$(column topic)"
until_true 30 offline_is v/0
exits 0 mqctl why partition v/0
has 'only broker 3 has all its records'
exits 8 mqctl partition elect --unclean v/0
exits 6 mqctl partition elect --unclean v/0 --yes
exits 6 mqctl broker remove 3 --yes
has 'only broker 3 has all records of v-0'
exits 0 mqctl topic delete v --yes
exits 8 mqctl broker remove 3
same "3 would be removed" "$(column replicas) $(column result)"
exits 0 mqctl broker remove 3 --yes
same removed "$(column result)"
same "" "$(gone)"
exits 0 mqctl why partition t/0
has 'there is no broker 3'
exits 6 timeout 60 mqd -D "$work/c" -l 127.0.0.1:0 --meta "$url"
has 'was unregistered'
start_member d
exits 0 mqctl broker list
same "1 2 4" "$(column broker | xargs)" "an id is not given again"
exits 0 mqctl partition move t '3>4' --yes --wait 60s
same moved "$(column result | sort -u)"
exits 0 mqctl cluster wait --for healthy --within 60s

# How many copies, and on which brokers.
exits 6 mqctl topic alter u -r 4 --yes
exits 0 mqctl topic alter u -r 2 --yes --wait 60s
same moved "$(column result)"
exits 6 mqctl partition rebalance --exclude 4 --max-moves 1000 --yes
has 'too few other brokers for 3 partitions'
exits 0 mqctl topic alter t -r 2 --yes --wait 60s
# Each broker hears of it by itself.
all_know() {
  local name
  for name in a b d; do
    [ "$(mqctl -b "127.0.0.1:${ports[$name]}" partition list t --no-header | cut -f 5 | tr , '\n' | wc -l)" = "$1" ] || return 1
  done
}
until_true 20 all_know 6
exits 0 mqctl partition rebalance --exclude 4 --max-moves 1000 --yes --wait 60s
emptied() { exits 0 mqctl broker list; [ "$(awk -F'\t' '$1 == 4 { print $7 }' <<<"$out")" = 0 ]; }
until_true 20 emptied
same "0" "$(awk -F'\t' '$1 == 4 { print $7 }' <<<"$out")" "replicas of a broker that was emptied"
exits 0 mqctl partition rebalance -n
has 'would move'
exits 0 mqctl cluster wait --for healthy --within 60s

# Who leads.
leads() { exits 0 mqctl broker list; awk -F'\t' -v id="$1" '$1 == id { print $4, $6 }' <<<"$out"; }
exits 5 mqctl cluster drain 77
has 'there is no broker 77'
exits 5 mqctl cluster drain 77 -n
exits 5 mqctl cluster drain 3 -n
exits 2 mqctl cluster drain x
exits 0 mqctl partition elect
exits 0 mqctl cluster drain 1 -n
has 'would move'
same there "$(leads 1 | cut -d ' ' -f 1)"
exits 0 mqctl cluster drain 1
same moved "$(column result | sort -u)"
same 1 "$(column from | sort -u)"
same "drained 0" "$(leads 1)"
exits 0 mqctl cluster info
same true "$(awk -F'\t' '$2 == 1 { print $6 }' <<<"$out")"
exits 0 mqctl cluster health
has 'brokers drained'
exits 6 mqctl partition elect t
same failed "$(column result | grep -v 'not needed' | sort -u)"
exits 3 mqctl cluster drain 2 --within 1s
has 'nobody else that could lead is in sync in'
exits 6 mqctl cluster drain 4
has 'no other broker could lead'
exits 0 mqctl cluster drain --undo 1 2
same there "$(leads 1 | cut -d ' ' -f 1)"
exits 0 mqctl topic create alone -r 1 -p 3
exits 6 mqctl cluster drain 2
has 'no other broker has a copy of 1 partition, alone/'
same stays "$(awk -F'\t' '$1 == "alone" { print $5 }' <<<"$out")"
exits 0 mqctl cluster drain --undo 2
exits 0 mqctl topic delete alone --yes
mqcons t | sort -n | cmp - <(seq 4000) || fail "records are missing"
echo "a cluster was looked after: a broker came back, another was replaced, and no record is missing"
