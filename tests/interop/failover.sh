#!/usr/bin/env bash
# Eight clients through the deaths of leaders and of their group's coordinator: kcat, confluent-kafka, the Java client, franz-go,
# sarama, kafka-python, aiokafka and kafkajs produce to three mqd over etcd, four of them read too, and three are one group. What
# each wrote down is judged by mq_check.
. "$(dirname "$0")/on_broker.sh"
need etcd "etcd (Debian: etcd-server)"
need kcat "kcat"
need go "Go, 1.22 or later"
need javac "a JDK, 17 or later"
need node "Node.js, 18 or later"
need npm "npm"
cat "$here/requirements.txt" "$here/pure_python/requirements.txt" >"$MQ_SCRATCH/requirements.txt"
python_with "$MQ_SCRATCH/requirements.txt"
. "$here/java/jars.sh"
export GOFLAGS=-mod=readonly GOTOOLCHAIN=auto  # an older Go gets the one that go.mod names
for library in franz sarama; do (cd "$here/$library" && fetched go build -o "$MQ_SCRATCH/$library-go" ./judged); done
mkdir -p "$MQ_SCRATCH/classes"
javac -cp "$jars/*" -d "$MQ_SCRATCH/classes" "$here/java/HistoryWriter.java" "$here/java/JudgedRun.java"
if ! cmp -s "$here/kafkajs/package-lock.json" "$MQ_SCRATCH/package-lock.json" || [ ! -d "$MQ_SCRATCH/node_modules/kafkajs" ]; then
  cp "$here"/kafkajs/package*.json "$MQ_SCRATCH/"
  fetched npm ci --prefix "$MQ_SCRATCH" --no-audit --no-fund
fi
cp "$here/kafkajs/judged.js" "$MQ_SCRATCH/"

rm -rf "$scratch"
mkdir -p "$scratch"
export PYTHONPATH=$here/judged:$here/../judge PYTHONDONTWRITEBYTECODE=1
timeout -k 5 "${MQ_FAILOVER_SECONDS:-240}" "$python" "$here/judged/failover.py" "$scratch" "$MQ_BUILD/tests/judge/mq_check" \
  -- "$python" "$here/judged/confluent.py" \
  -- java "${java_options[@]}" -cp "$jars/*:$MQ_SCRATCH/classes" JudgedRun \
  -- "$MQ_SCRATCH/franz-go" \
  -- "$MQ_SCRATCH/sarama-go" \
  -- "$python" "$here/judged/kafka_python_producer.py" \
  -- "$python" "$here/judged/aiokafka_producer.py" \
  -- node "$MQ_SCRATCH/judged.js" || { tail -n 20 "$scratch"/*.log; exit 1; }
