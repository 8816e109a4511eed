#!/usr/bin/env bash
# Kafka, from Maven, and mqd are asked the same questions, raw and also such as no client asks, and their answers are laid side
# by side. What differs stands in same_answers.known with the reason, and nothing stands there that does not differ.
. "$(dirname "$0")/on_broker.sh"
. "$here/java/jars.sh"
. "$here/java/kafka.sh"
on_broker -X node.id=1 -X offsets.topic.num.partitions=2 -X log.cleaner.min.cleanable.ratio=.5
cd "$scratch"

ask_all() { timeout 100 java "${java_options[@]}" -cp "$jars/*" "$here/java/SameAnswers.java" "$1"; }

start_kafka log.cleaner.min.cleanable.ratio=.5
ask_all "$kafka_address" >kafka
stop_kafka
ask_all "$MQ_BROKERS" >mqd
"$here/compare_answers.py" kafka mqd <"$here/same_answers.known"
