#!/usr/bin/env bash
# A Kafka broker, from Maven, writes one log of each kind. `mqctl segment verify` finds them sound, also while Kafka runs, and
# `mqctl segment dump` prints the batches and records that Kafka's own dump tool prints.
. "$(dirname "$0")/on_broker.sh"
. "$here/java/jars.sh"
need python3 "Python"

rm -rf "$scratch"
mkdir -p "$scratch"
cd "$scratch"
read -r port controller_port < <(python3 -c '
import socket
sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
print(*(s.getsockname()[1] for s in sockets))')
cat >server.properties <<P
process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller_port
controller.listener.names=CONTROLLER
controller.quorum.bootstrap.servers=127.0.0.1:$controller_port
log.dirs=$scratch/logs
offsets.topic.num.partitions=2
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=2
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
log.cleaner.backoff.ms=100
P
java_tool kafka.tools.StorageTool format --standalone -t "$(java_tool kafka.tools.StorageTool random-uuid)" -c server.properties >format.out
java "${java_options[@]}" -cp "$jars/*" kafka.Kafka server.properties >server.out 2>&1 &
kafka=$!
trap 'kill -9 $kafka 2>/dev/null || true' EXIT
answers() { kill -0 $kafka || { cat server.out; fail "Kafka ended"; }; (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; }
until_true 60 answers

timeout 120 java "${java_options[@]}" -cp "$jars/*" "$here/java/WriteLogs.java" "127.0.0.1:$port"
# The next record rolls the segment, which the cleaner then compacts.
echo 'late:1' | java_tool org.apache.kafka.tools.ConsoleProducer --bootstrap-server "127.0.0.1:$port" --topic compacted \
  --reader-property parse.key=true --reader-property key.separator=:
is_compacted() { grep -q '^compacted 0 [1-9]' logs/cleaner-offset-checkpoint 2>/dev/null; }
until_true 40 is_compacted

mqctl segment verify logs || fail "mqctl finds damage in the files of a running Kafka"
kill -TERM $kafka
wait $kafka || true  # it ends with 143
mqctl segment verify logs || fail "mqctl finds damage in what Kafka left"

mapfile -t files < <(find logs -name '*.log' -size +0 | sort)
for kind in codec-none codec-gzip codec-snappy codec-lz4 codec-zstd stamped transactions compacted __consumer_offsets; do
  [[ ${files[*]} == *"logs/$kind-"* ]] || fail "Kafka wrote no log of $kind"
done
java_tool org.apache.kafka.tools.DumpLogSegments --deep-iteration --print-data-log --files "$(IFS=,; echo "${files[*]}")" >dump
"$here/compare_dumps.py" "${files[@]}" <dump
