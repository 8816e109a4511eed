#!/usr/bin/env bash
# The disk hangs in every sync of a log that mqd may do at a time: what is told to metadata is answered meanwhile, and the
# records are when the disk goes on.
. "$(dirname "$0")/situation.sh"
. "$(dirname "$0")/tracing.sh"
start_mqd
seconds=6
logs=()
for n in $(seq 12); do
  echo first | mqprod "t$n"
  logs+=(-P "$work/data/t$n-0/00000000000000000000.log")
done
trace "${logs[@]}" -e trace=fdatasync -e inject=fdatasync:delay_enter=${seconds}000000
producers=()
for n in $(seq 12); do echo second | mqprod --retry 20s "t$n" & producers+=($!); done
hangs() { [ "$(grep -c fdatasync "$work/trace")" -ge 4 ]; }
until_true 5 hangs
timeout $((seconds / 2)) mqctl config set topic/t1 retention.ms=77777 >/dev/null || fail "a change of settings waits for the disk of the logs"
mqctl config get topic/t1 | grep 77777 >/dev/null || fail "the change is not seen"
for producer in "${producers[@]}"; do wait "$producer" || fail "a record was not taken after the disk went on"; done
end_trace
stop_mqd
echo "settings were changed while syncs of logs hung for $seconds s"
