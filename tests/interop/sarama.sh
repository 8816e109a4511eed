#!/usr/bin/env bash
# sarama and segmentio's kafka-go, through our own program in sarama/, from the Go module proxy into the build.
. "$(dirname "$0")/on_broker.sh"
need go "Go, 1.22 or later"
if [ -z "${MQ_ON_BROKER:-}" ]; then
  export GOFLAGS=-mod=readonly GOTOOLCHAIN=auto  # an older Go gets the one that go.mod names
  (cd "$here/sarama" && fetched go build -o "$MQ_SCRATCH/sarama" .)
fi
on_broker
cd "$scratch"
timeout 120 "$MQ_SCRATCH/sarama"
for codec in none gzip snappy lz4 zstd; do
  "$here/batches.py" --codec $codec --idempotent --records 1000 "$data/sarama-$codec-0"
  "$here/batches.py" --codec $codec --plain --records 1000 "$data/kafkago-$codec-0"
done
echo "on disk: ok"
