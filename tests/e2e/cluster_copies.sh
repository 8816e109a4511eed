#!/usr/bin/env bash
# cluster_copies.sh BIN: three mqd over etcd, each in a rack of its own. Replicas are spread over the racks, readers read
# from the one in theirs, and `mqctl topic verify --replicas` says whether all have the same, and who has not.
. "$(dirname "$0")/situation.sh"
service=etcd
command -v etcd >/dev/null || { echo "etcd is not installed"; exit 77; }
. "$(dirname "$0")/members.sh"

# What a broker has given to those who fetched from it.
given() { curl -sf "http://${metrics[$1]}/metrics" | awk '$1 ~ /^mq_fetched_bytes_total/ { sum += $2 } END { print sum + 0 }'; }

declare -A metrics=()
for name in a b c; do
  metrics[$name]=127.0.0.1:$(free_port)
  start_member $name --rack "rack-$name" --metrics "${metrics[$name]}"
done
export MQ_BROKERS=127.0.0.1:${ports[a]},127.0.0.1:${ports[b]},127.0.0.1:${ports[c]}
exits 0 mqctl cluster wait --for brokers=3
exits 0 mqctl topic create t -p 1 -r 3
exits 0 mqctl topic create table -p 1 -r 3 --compact
exits 0 mqctl cluster wait --within 30s
seq 5000 | mqprod t
for round in 1 2 3; do seq 200 | awk -v r=$round '{ print $1 % 20 "\t" r "-" $1 }' | mqprod -K '\t' table; done

exits 0 mqctl topic verify --replicas t table
has '2 partitions, .* read, 0 findings'
exits 5 mqctl topic verify nosuch

# Who says where it is reads from there, whoever leads.
exits 0 mqctl partition list t --no-header
leader=$(cut -f 3 <<<"$out")
for name in a b c; do
  before=$(given $name)
  mqcons --rack "rack-$name" t | cmp - <(seq 5000) || fail "records are missing for a reader in rack-$name"
  [ $(($(given $name) - before)) -gt 20000 ] || fail "a reader in rack-$name did not read from broker $name (broker $leader leads)"
done

# One byte rots on a follower.
victim=$([ "$leader" = 3 ] && echo b || echo c)
stop_member $victim
file=$(ls "$work/$victim"/t-0/*.log | head -1)
printf '\x55' | dd of="$file" bs=1 seek=300 conv=notrunc status=none
start_member $victim --rack "rack-$victim" --metrics "${metrics[$victim]}"
export MQ_BROKERS=127.0.0.1:${ports[a]},127.0.0.1:${ports[b]},127.0.0.1:${ports[c]}
exits 0 mqctl cluster wait --for no-urp --within 60s
exits 7 mqctl topic verify --replicas t table
has "t-0: broker $([ $victim = b ] && echo 2 || echo 3) cannot read offset"
same 1 "$(wc -l <<<"$out")" "findings"
mqcons --rack "rack-$victim" t | cmp - <(seq 5000) || fail "a reader was not sent to the leader from a damaged replica"

# One does not answer: its copy is not compared, which is told.
kill_member $victim
exits 3 mqctl topic verify --replicas --connect-timeout 2s t
has 't-0: the copy on broker . is left out'
has '0 findings, 1 copy left out'
echo "readers read from their racks, equal copies are equal, and a rotten one is named"
