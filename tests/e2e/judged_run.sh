#!/usr/bin/env bash
# mqbench verify writes a history, and mq_check judges it: kept by a broker that is killed and started again, broken by one
# whose records are thrown away.
. "$(dirname "$0")/situation.sh"
mq_check="$1/../tests/judge/mq_check"
judge() { status=0; "$mq_check" "$@" >"$work/report" || status=$?; }
bench() { status=0; mqbench verify "$@" >"$work/bench.log" 2>&1 || status=$?; }
finds() { grep -qE "^$1 .*BROKEN" "$work/report" || fail "mq_check does not find $1: $(cat "$work/report")"; }

# restart HISTORY [COMMAND]...: kills the broker once it has acknowledged something, waits until that left a client in doubt,
# and starts it again.
cat >"$work/restart" <<'RESTART'
#!/usr/bin/env bash
set -eu
history=$1; shift
until grep -q '"type":"ok","f":"send"' "$history"; do :; done
kill -9 "$(cat pid)"
"$@"
until grep -q '"type":"info","f":"list_offsets"' "$history"; do :; done
mkfifo "$history.ready"
exec 7<>"$history.ready"
mqd -D data -l "$MQ_BROKERS" --ready-fd 7 >>mqd.log 2>&1 &
echo $! >pid
read -r -t 20 <&7
RESTART
chmod +x "$work/restart"
cd "$work"
start_mqd
echo "$mqd_pid" >pid
disown "$mqd_pid"

bench --partitions 3 --producers 2 -r 5k/s -c 15000 --fault './restart kept.jsonl@500ms' --history kept.jsonl
mqd_pid=$(cat pid)
same 0 $status "status of mqbench after a kill -9"
judge kept.jsonl
same 0 $status "status of mq_check after a kill -9: $(cat report)"
same "verdict: kept" "$(tail -n 1 report)"
same "restart heal" "$(grep -o '"fault":"[a-z]*"' kept.jsonl | cut -d '"' -f 4 | xargs)" "faults of the history"

# Between the halves the topic is deleted and made again.
mqctl topic create t -p 2 >/dev/null
bench -c 1000 --produce marks --history written.jsonl t
same 0 $status "status of the writing half"
mqctl topic delete -y t >/dev/null
mqctl topic create t -p 2 >/dev/null
bench --check marks --history read.jsonl
same 7 $status "status of the reading half with an empty topic"
judge written.jsonl read.jsonl
same 1 $status "status of mq_check with an empty topic"
finds A02

# Amid the load the broker loses its directory.
bench -r 5k/s -c 10000 --fault './restart lost.jsonl rm -r data@500ms' --history lost.jsonl
mqd_pid=$(cat pid)
same 7 $status "status of mqbench with a broker that lost everything"
judge lost.jsonl
same 1 $status "status of mq_check with a broker that lost everything"
finds A14

# A load that is over before its fault, a fault that fails, and what is no fault.
bench -c 10 --fault 'true@1h'
same 1 $status "status without the fault that was asked for"
grep -q '1 of 1 faults did not happen' bench.log || fail "$(cat bench.log)"
bench -t 100ms -r 100/s --fault 'exit 3@0s'
same 1 $status "status with a fault that failed"
grep -q 'the fault exit 3 ended with status 3' bench.log || fail "$(cat bench.log)"
for wrong in true true@ @1s true@soon; do
  bench --fault "$wrong"
  same 2 $status "status of --fault '$wrong'"
done
echo "histories of real runs: kept after a kill, broken after a loss"
