#!/usr/bin/env bash
# kafkajs, from npm into a folder beside the build.
. "$(dirname "$0")/on_broker.sh"
need node "Node.js, 18 or later"
need npm "npm"
if ! cmp -s "$here/kafkajs/package-lock.json" "$MQ_SCRATCH/package-lock.json" || [ ! -d "$MQ_SCRATCH/node_modules/kafkajs" ]; then
  cp "$here"/kafkajs/package*.json "$MQ_SCRATCH/"
  fetched npm ci --prefix "$MQ_SCRATCH" --no-audit --no-fund
fi
cp "$here/kafkajs/client.js" "$MQ_SCRATCH/"
on_broker
cd "$scratch"
timeout 120 node "$MQ_SCRATCH/client.js"
"$here/batches.py" --codec gzip --records 1000 "$data/js-gzip-"[0-2]
"$here/batches.py" --codec none --idempotent --records 1000 "$data/js-once-"[0-2]
echo "on disk: ok"
