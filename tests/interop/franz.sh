#!/usr/bin/env bash
# franz-go, through our own program in franz/, from the Go module proxy into the build.
. "$(dirname "$0")/on_broker.sh"
need go "Go, 1.22 or later"
if [ -z "${MQ_ON_BROKER:-}" ]; then
  export GOFLAGS=-mod=readonly GOTOOLCHAIN=auto  # an older Go gets the one that go.mod names
  (cd "$here/franz" && fetched go build -o "$MQ_SCRATCH/franz" .)
fi
on_broker
cd "$scratch"
timeout 100 "$MQ_SCRATCH/franz"
for codec in none gzip snappy lz4 zstd; do
  "$here/batches.py" --codec $codec --idempotent --records 2000 "$data/franz-$codec-"[0-2]
done
echo "on disk: ok"
