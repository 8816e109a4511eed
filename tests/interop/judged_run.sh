#!/usr/bin/env bash
# kcat, confluent-kafka, the Java client and franz-go at work at once while mqd is killed again and again; each writes down what
# it asked for and was told, and mq_check judges that. `judged_run.sh keep|lose`: with `lose` acknowledged records are taken
# away, and the judge has to say so.
. "$(dirname "$0")/on_broker.sh"
need kcat "kcat"
need go "Go, 1.22 or later"
need javac "a JDK, 17 or later"
python_with "$here/requirements.txt"
. "$here/java/jars.sh"
export GOFLAGS=-mod=readonly GOTOOLCHAIN=auto  # an older Go gets the one that go.mod names
(cd "$here/franz" && fetched go build -o "$MQ_SCRATCH/franz-go" ./judged)
mkdir -p "$MQ_SCRATCH/classes"
javac -cp "$jars/*" -d "$MQ_SCRATCH/classes" "$here/java/HistoryWriter.java" "$here/java/JudgedRun.java"

rm -rf "$scratch"
mkdir -p "$scratch"
export PYTHONPATH=$here/judged:$here/../judge PYTHONDONTWRITEBYTECODE=1
timeout -k 5 200 "$python" "$here/judged/run.py" "$1" "$scratch" "$MQ_BUILD/tests/judge/mq_check" \
  -- "$python" "$here/judged/confluent.py" \
  -- java "${java_options[@]}" -cp "$jars/*:$MQ_SCRATCH/classes" JudgedRun \
  -- "$MQ_SCRATCH/franz-go" || { tail -n 20 "$scratch"/*.log; exit 1; }
