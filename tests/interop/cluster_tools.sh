#!/usr/bin/env bash
# Kafka's own tools against three mqd over etcd: a topic with three replicas, a reassignment that is listed, called off and
# carried out, settings of brokers, preferred and unclean elections, a broker that is unregistered.
. "$(dirname "$0")/on_broker.sh"
. "$here/java/jars.sh"
need etcd "etcd (Debian: etcd-server)"
service=etcd
keep_leaders=yes
work=$scratch
rm -rf "$work"
mkdir -p "$work"
cd "$work"
session_ms=20000  # one that is stopped counts as there until a tool of Kafka's has started
. "$here/../e2e/members.sh"
trap at_end EXIT

has() { grep -qE -- "$1" out || { cat out; fail "no '$1' in what $2 says"; }; }
ask() {
  local class=$1; shift
  timeout 60 java "${java_options[@]}" -cp "$jars/*" "org.apache.kafka.tools.$class" --bootstrap-server "$MQ_BROKERS" "$@" >out 2>&1
}
# as the tool says it.
ask_well() { ask "$@" || { cat out; fail "$* failed"; }; }
reassign() { ask_well reassign.ReassignPartitionsCommand "$@"; }
is_alone() { [ "$(mqctl partition list u --no-header | cut -f 5)" = "$1" ]; }
gone_is() { [ "$(mqctl broker list --no-header | awk -F'\t' '$4 == "gone" { print $1 }' | xargs)" = "$1" ]; }

for name in a b c; do start_member $name; done
MQ_BROKERS=127.0.0.1:${ports[a]},127.0.0.1:${ports[b]},127.0.0.1:${ports[c]}
export MQ_BROKERS
mqctl cluster wait --for brokers=3

ask_well TopicCommand --create --topic t --partitions 3 --replication-factor 3
ask_well TopicCommand --describe --topic t
has 'ReplicationFactor: 3' kafka-topics
has 'Isr: [123],[123],[123]' kafka-topics
ask_well TopicCommand --create --topic u --replica-assignment 1
seq 1000 | mqprod u
seq 3000 | mqprod t
echo "topics: ok"

# From broker 1 to broker 2.
echo '{"version": 1, "partitions": [{"topic": "u", "partition": 0, "replicas": [2]}]}' >to2.json
reassign --execute --reassignment-json-file to2.json
has 'Successfully started partition reassignment for u-0' kafka-reassign-partitions
moved() { ask reassign.ReassignPartitionsCommand --verify --preserve-throttles --reassignment-json-file to2.json && grep -q 'Reassignment of partition u-0 is completed' out; }
until_true 60 moved
is_alone 2 || fail "u is on $(mqctl partition list u --no-header)"
mqcons u | cmp - <(seq 1000) || fail "records are missing after a reassignment"
# Without --preserve-throttles the tool clears what may have held the copies back; here nothing can.
reassign --verify --reassignment-json-file to2.json
has 'Clearing broker-level throttles on brokers 1,2,3' kafka-reassign-partitions
has 'Clearing topic-level throttles on topic u' kafka-reassign-partitions
! ask reassign.ReassignPartitionsCommand --execute --throttle 1000000 --reassignment-json-file <(sed 's/\[2\]/[1]/' to2.json) || fail "a throttle was taken"
grep -q 'leave the throttle out' out || { cat out; fail "other words"; }
is_alone 2 || fail "a move that was refused was begun"
reassign --generate --topics-to-move-json-file <(echo '{"version": 1, "topics": [{"topic": "t"}]}') --broker-list 1,2,3
has 'Proposed partition reassignment configuration' kafka-reassign-partitions

# Settings of brokers: of all, then of one, which counts more.
config() { timeout 60 java "${java_options[@]}" -cp "$jars/*" kafka.admin.ConfigCommand --bootstrap-server "$MQ_BROKERS" --entity-type brokers "$@" >out 2>&1; }
config_well() { config "$@" || { cat out; fail "kafka-configs $* failed"; }; }
retention_of() { mqctl config get "$1" log.retention.ms --no-header | cut -f 3,4 | tr '\t' ' '; }
retention_is() { [ "$(retention_of "$1")" = "$2" ]; }
config_well --alter --entity-default --add-config log.retention.ms=86400000,min.insync.replicas=1
config_well --describe --entity-default
has 'log.retention.ms=86400000.*DYNAMIC_DEFAULT_BROKER_CONFIG:log.retention.ms=86400000' kafka-configs
config_well --alter --entity-name 2 --add-config log.retention.ms=3600000
config_well --describe --entity-name 2
has 'log.retention.ms=3600000.*DYNAMIC_BROKER_CONFIG:log.retention.ms=3600000, DYNAMIC_DEFAULT_BROKER_CONFIG:log.retention.ms=86400000' kafka-configs
for id in 1 3; do until_true 10 retention_is broker/$id "86400000 dynamic default broker"; done
until_true 10 retention_is broker/2 "3600000 dynamic broker"

! config --alter --entity-name 2 --add-config log.dirs=/elsewhere || fail "the directory of a broker was changed"
grep -q 'read when a broker starts' out || { cat out; fail "other words"; }
config_well --alter --entity-name 2 --delete-config log.retention.ms
until_true 10 retention_is broker/2 "86400000 dynamic default broker"
config_well --alter --entity-default --delete-config log.retention.ms,min.insync.replicas
until_true 10 retention_is broker/2 "604800000 default"
config_well --describe --entity-default
! grep -q retention out || { cat out; fail "something is left of what was set"; }
config_well --describe --all --entity-name 1
has 'num.partitions=1' kafka-configs
echo "settings of brokers: ok"

# To a broker that does not get on: it waits, is listed, and is called off. The tool asks for brokers that are there only, and
# would wait for the one that is stopped if it asked that.
all_brokers=$MQ_BROKERS
MQ_BROKERS=127.0.0.1:${ports[a]},127.0.0.1:${ports[b]}
kill -STOP "${pids[c]}"
echo '{"version": 1, "partitions": [{"topic": "u", "partition": 0, "replicas": [3]}]}' >to3.json
reassign --execute --reassignment-json-file to3.json
reassign --list
has 'u-0: replicas: 3,2. adding: 3. removing: 2' kafka-reassign-partitions
reassign --cancel --reassignment-json-file to3.json --preserve-throttles
has 'Successfully cancelled partition reassignment for: u-0' kafka-reassign-partitions
reassign --list
has 'No partition reassignments found' kafka-reassign-partitions
kill_member c
until_true 60 gone_is 3
MQ_BROKERS=$all_brokers
echo "reassignments: ok"

# Elections.
start_member c
mqctl cluster wait --for no-urp --within 60s
[ -n "$(mqctl partition list t --not-preferred --no-header)" ] || fail "broker 3 leads as if it had never been away"
ask_well LeaderElectionCommand --election-type PREFERRED --all-topic-partitions
has 'Successfully completed leader election \(PREFERRED\)' kafka-leader-election
[ -z "$(mqctl partition list t --not-preferred --no-header)" ] || fail "others lead: $(mqctl partition list t)"
ask_well LeaderElectionCommand --election-type PREFERRED --topic t --partition 0
has 'Valid replica already elected' kafka-leader-election
kill_member b
until_true 60 gone_is 2
no_leader() { mqctl partition list u --offline --no-header | grep -q u; }
until_true 30 no_leader
! ask LeaderElectionCommand --election-type UNCLEAN --topic u --partition 0 || fail "somebody was elected who has nothing of it"
grep -q 'EligibleLeadersNotAvailable' out || { cat out; fail "other words"; }
echo "elections: ok"

! timeout 60 java "${java_options[@]}" -cp "$jars/*" org.apache.kafka.tools.ClusterTool unregister --bootstrap-server "$MQ_BROKERS" --id 2 >out 2>&1 || fail "the only one that has u was removed"
grep -q 'only broker 2 has all records of u-0' out || { cat out; fail "other words"; }
ask_well TopicCommand --delete --topic u
timeout 60 java "${java_options[@]}" -cp "$jars/*" org.apache.kafka.tools.ClusterTool unregister --bootstrap-server "$MQ_BROKERS" --id 2 >out 2>&1 || { cat out; fail "unregister failed"; }
has 'Broker 2 is no longer registered' kafka-cluster
timeout 60 java "${java_options[@]}" -cp "$jars/*" org.apache.kafka.tools.ClusterTool list-endpoints --bootstrap-server "$MQ_BROKERS" --include-fenced-brokers >out 2>&1 || { cat out; fail "list-endpoints failed"; }
[ "$(grep -c 127.0.0.1 out)" = 2 ] || { cat out; fail "not two brokers"; }
mqcons t | sort -n | cmp - <(seq 3000) || fail "records of t are missing"
echo "kafka-cluster: ok"
