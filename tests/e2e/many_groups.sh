#!/usr/bin/env bash
# many_groups.sh BIN: three mqd over etcd, one of which coordinates 10,000 groups and is killed. Another takes all of them over, with
# their offsets.
. "$(dirname "$0")/situation.sh"
service=etcd
session_ms=2000
command -v etcd >/dev/null || { echo "etcd is not installed"; exit 77; }
. "$(dirname "$0")/members.sh"

for name in a b c; do start_member $name -X offsets.topic.num.partitions=1; done
export MQ_BROKERS=127.0.0.1:${ports[a]},127.0.0.1:${ports[b]},127.0.0.1:${ports[c]}
exits 0 mqctl cluster wait --for brokers=3
exits 0 mqctl topic create t
python3 -B "$(dirname "$0")/many_groups.py" "${ports[a]}:${pids[a]}" "${ports[b]}:${pids[b]}" "${ports[c]}:${pids[c]}"
