#!/usr/bin/env bash
# kafka-python and aiokafka, from PyPI into a virtual environment beside the build: clients that share no code with librdkafka.
. "$(dirname "$0")/on_broker.sh"
python_with "$here/pure_python/requirements.txt"
on_broker
cd "$scratch"
timeout 100 "$python" "$here/pure_python/kafka_python.py"
timeout 60 "$python" "$here/pure_python/aiokafka_client.py"
for codec in none gzip snappy lz4 zstd; do
  "$here/batches.py" --codec $codec --idempotent --records 1000 "$data/kp-$codec-0"
  "$here/batches.py" --codec $codec --plain --records 1000 "$data/aio-$codec-0"
done
echo "on disk: ok"
