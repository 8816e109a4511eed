#!/usr/bin/env bash
# flush.messages and flush.ms, Kafka's way to ask for syncs on a topic whose answers do not wait for them.
. "$(dirname "$0")/situation.sh"
. "$(dirname "$0")/tracing.sh"
start_mqd --flush async
mqctl topic create by-count --set flush.messages=10 >/dev/null
mqctl topic create by-time --set flush.ms=200 >/dev/null
mqctl topic create never >/dev/null
log() { echo "$work/data/$1-0/00000000000000000000.log"; }
syncs() { grep -c "$1-0" "$work/trace" || true; }
for topic in by-count by-time never; do echo first | mqprod -a 1 "$topic"; done
trace -y -e trace=fdatasync

# One record is there. Every tenth that is not synced takes its answer with it: one with acks=1, too.
for n in $(seq 2 29); do
  echo "$n" | mqprod -a 1 by-count
  same $((n / 10)) "$(syncs by-count)" "syncs after record $n"
done

echo second | mqprod -a 1 by-time
synced() { [ "$(syncs by-time)" -ge 1 ]; }
until_true 10 synced
echo second | mqprod never
same 0 "$(syncs never)" "syncs of a topic that asks for none"
end_trace
stop_mqd
echo "flush.messages=10: 2 syncs for 29 records; flush.ms=200: $(syncs by-time); without: 0"
