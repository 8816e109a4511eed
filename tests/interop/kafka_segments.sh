#!/usr/bin/env bash
# A Kafka broker, from Maven, writes one log of each kind. `mqctl segment verify` finds them sound, also while Kafka runs, and
# `mqctl segment dump` prints the batches and records that Kafka's own dump tool prints.
. "$(dirname "$0")/on_broker.sh"
. "$here/java/jars.sh"
. "$here/java/kafka.sh"

rm -rf "$scratch"
mkdir -p "$scratch"
cd "$scratch"
start_kafka log.cleaner.backoff.ms=100

timeout 120 java "${java_options[@]}" -cp "$jars/*" "$here/java/WriteLogs.java" "$kafka_address"
# The next record rolls the segment, which the cleaner then compacts.
echo 'late:1' | java_tool org.apache.kafka.tools.ConsoleProducer --bootstrap-server "$kafka_address" --topic compacted \
  --reader-property parse.key=true --reader-property key.separator=:
is_compacted() { grep -q '^compacted 0 [1-9]' logs/cleaner-offset-checkpoint 2>/dev/null; }
until_true 40 is_compacted

mqctl segment verify logs || fail "mqctl finds damage in the files of a running Kafka"
stop_kafka
mqctl segment verify logs || fail "mqctl finds damage in what Kafka left"

mapfile -t files < <(find logs -name '*.log' -size +0 | sort)
for kind in codec-none codec-gzip codec-snappy codec-lz4 codec-zstd stamped transactions compacted __consumer_offsets; do
  [[ ${files[*]} == *"logs/$kind-"* ]] || fail "Kafka wrote no log of $kind"
done
java_tool org.apache.kafka.tools.DumpLogSegments --deep-iteration --print-data-log --files "$(IFS=,; echo "${files[*]}")" >dump
"$here/compare_dumps.py" "${files[@]}" <dump
