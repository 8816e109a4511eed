#!/usr/bin/env bash
# Kafka Streams, from Maven into the folder that the Java tests share: a word count with a store, its changelog and a
# repartition topic.
. "$(dirname "$0")/on_broker.sh"
. "$here/java/jars.sh"
on_broker
cd "$scratch"
timeout 150 java "${java_options[@]}" -cp "$jars/*" "$here/java/WordCount.java" "$MQ_BROKERS" "$scratch/state"
