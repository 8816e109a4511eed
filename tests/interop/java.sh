#!/usr/bin/env bash
# Kafka's Java client and command-line tools, from Maven into a folder beside the build; its dump tool reads our segments.
. "$(dirname "$0")/on_broker.sh"
. "$here/java/jars.sh"
on_broker

ask() { local class=$1; shift; java_tool "org.apache.kafka.tools.$class" --bootstrap-server "$MQ_BROKERS" "$@"; }
has() { grep -qE -- "$1" "$2" || { cat "$2"; fail "no '$1' in what $3 says"; }; }

cd "$scratch"
seq -f '%g the same words again and again' 1 2000 >in

ask TopicCommand --create --topic made --partitions 2 --config retention.ms=3600000 >out
ask TopicCommand --alter --topic made --partitions 3
ask TopicCommand --describe --topic made >out
has 'PartitionCount: 3.*retention.ms=3600000' out kafka-topics
has 'Partition: 2.*Leader: 1' out kafka-topics
echo "kafka-topics: ok"

for codec in none gzip snappy lz4 zstd; do
  ask ConsoleProducer --topic "java-$codec" --compression-codec $codec --batch-size 65536 --timeout 200 \
    --command-property enable.idempotence=true --command-property acks=all <in >/dev/null
  "$here/batches.py" --codec $codec --idempotent --records 2000 "$data/java-$codec-0"
  ask consumer.ConsoleConsumer --topic "java-$codec" --from-beginning --max-messages 2000 --group "readers-$codec" >out 2>/dev/null
  same "$codec" in out
  # The dump tool opens every batch, checks its CRC and prints its records.
  java_tool org.apache.kafka.tools.DumpLogSegments --deep-iteration --print-data-log --files "$data/java-$codec-0/00000000000000000000.log" >dump
  has "compresscodec: $codec " dump DumpLogSegments
  if grep -q 'isvalid: false' dump; then fail "the dump of $codec has an invalid batch"; fi
  sed -n 's/^| .* payload: //p' dump >dumped
  same "the dump of $codec" in dumped
done
echo "console producer and consumer, dump: ok"

ask consumer.group.ConsumerGroupCommand --describe --group readers-zstd >out
has 'readers-zstd +java-zstd +0 +2000 +2000 +0 ' out kafka-consumer-groups
ask consumer.group.ConsumerGroupCommand --reset-offsets --group readers-zstd --topic java-zstd --shift-by -5 --execute >out
has 'java-zstd +0 +1995' out kafka-consumer-groups
ask consumer.ConsoleConsumer --topic java-zstd --group readers-zstd --max-messages 5 >out 2>/dev/null
tail -5 in >wanted
same "after the reset" wanted out
ask consumer.group.ConsumerGroupCommand --list >out
has '^readers-gzip$' out kafka-consumer-groups
for log in "$data"/__consumer_offsets-*/*.log; do
  [ "$(head -c 61 "$log" | tr -d '\0' | wc -c)" -eq 0 ] || java_tool org.apache.kafka.tools.DumpLogSegments --offsets-decoder --files "$log"
done >dump
has '"group":"readers-zstd","topic":"java-zstd","partition":0.*"offset":2000' dump "DumpLogSegments of the groups"
has '"group":"readers-zstd","topic":"java-zstd","partition":0.*"offset":1995' dump "DumpLogSegments of the groups"
has '"group":"readers-lz4".*"protocolType":"consumer"' dump "DumpLogSegments of the groups"
echo "groups: ok"

config() { java_tool kafka.admin.ConfigCommand --bootstrap-server "$MQ_BROKERS" "$@"; }
config --alter --entity-type topics --entity-name made --add-config max.message.bytes=65536 --delete-config retention.ms >out
config --describe --entity-type topics --entity-name made >out
has 'max.message.bytes=65536' out kafka-configs
if grep -q 'retention.ms=3600000' out; then fail "kafka-configs left retention.ms set"; fi

ask GetOffsetShell --topic java-none --time latest >out
has '^java-none:0:2000$' out kafka-get-offsets
echo '{"partitions": [{"topic": "java-none", "partition": 0, "offset": 700}], "version": 1}' >delete.json
ask DeleteRecordsCommand --offset-json-file delete.json >out
has 'java-none-0.*700' out kafka-delete-records
ask GetOffsetShell --topic java-none --time earliest >out
has '^java-none:0:700$' out kafka-get-offsets
ask LogDirsCommand --describe --topic-list java-zstd >out
has '"partition":"java-zstd-0","size":[1-9]' out kafka-log-dirs
ask TopicCommand --delete --topic made
ask TopicCommand --list >out
if grep -q '^made$' out; then fail "kafka-topics left the topic"; fi
echo "configs, offsets, log dirs: ok"

timeout 60 java "${java_options[@]}" -cp "$jars/*" "$here/java/RecordsAtFault.java" "$MQ_BROKERS"
