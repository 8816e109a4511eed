#!/usr/bin/env bash
# /metrics tells exactly what happened, in a form that Prometheus takes; /healthz and /readyz tell the truth; a client that
# sends rubbish is counted and cannot fill the log.
. "$(dirname "$0")/situation.sh"
. "$(dirname "$0")/scrape.sh"
start_mqd --metrics 127.0.0.1:0 --threads 2

# What promtool checks: HELP and TYPE once for each family and before its series, families in one piece, no series twice,
# names by kind, numbers, histograms whose buckets grow to their count.
check_format() {
  scrape >"$work/page"
  awk '
    function bad(why) { print "line " NR ": " why ": " $0; exit_status = 1 }
    function family_of(name,   base) {
      base = name
      if (sub(/_(bucket|sum|count)$/, "", base) && kind[base] == "histogram") return base
      return name
    }
    /^# HELP / { if ($3 in help) bad("a second HELP"); help[$3] = 1; if (NF < 4) bad("no text"); next }
    /^# TYPE / {
      if ($3 in kind) bad("a second TYPE")
      if (!($3 in help)) bad("TYPE before HELP")
      if ($4 != "counter" && $4 != "gauge" && $4 != "histogram") bad("no kind")
      if ($4 == "counter" && $3 !~ /_total$/) bad("a counter without _total")
      if ($4 != "counter" && $3 ~ /_total$/) bad("no counter, but _total")
      kind[$3] = $4; current = $3; next
    }
    /^#/ || /^$/ { bad("neither a comment that is known nor a series"); next }
    {
      series = $0; sub(/ [^ ]*$/, "", series)
      name = series; sub(/\{.*/, "", name)
      if (family_of(name) != current) bad("outside of its family")
      if (series in seen) bad("twice")
      seen[series] = 1
      if ($NF !~ /^-?[0-9]+(\.[0-9]+)?$/) bad("no number")
      if (kind[current] == "histogram" && name ~ /_bucket$/) {
        if ($NF < last && series !~ /le="1e-05"/) bad("a bucket with less than the one before")
        last = $NF
      }
      if (kind[current] == "histogram" && name ~ /_count$/ && $NF != last) bad("a count that is not its last bucket")
      ++n
    }
    END { if (n < 60) { print "only " n " series"; exit_status = 1 }; exit exit_status }' "$work/page" || fail "the format of /metrics"
}
check_format
same 200 "$(status_of_path /metrics)" "status of /metrics"
same "200 ready" "$(http_get /readyz | paste -sd ' ')" "readiness"
same "200 ok" "$(http_get /healthz | paste -sd ' ')" "health"
same 404 "$(status_of_path /nothing)" "an unknown path"
same 405 "$(status_of_path /metrics POST)" "a method that changes things"
same 0 "$(metric mq_unclean_start)" "a first start"
same 1 "$(metric 'mq_build_info{version="0.1.0"}')" "build info"

# Produce.
topics=$(metric mq_topics); partitions=$(metric mq_partitions)
seq 1 1000 | mqprod -z none --linger 1h counted
log=$work/data/counted-0/00000000000000000000.log
same $((topics + 1)) "$(metric mq_topics)" "topics"
same $((partitions + 1)) "$(metric mq_partitions)" "partitions"
same 1000 "$(metric mq_appended_records_total)" "records appended"
same "$(stat -c %s "$log")" "$(metric mq_appended_bytes_total)" "bytes appended"
same "$(stat -c %s "$log")" "$(metric mq_log_size_bytes)" "bytes of logs"
batches=$(metric mq_appended_batches_total)
same "$batches" "$(metric 'mq_requests_total{api="Produce"}')" "produce requests with one batch each"
same "$batches" "$(metric 'mq_request_duration_seconds_count{api="Produce"}')" "durations of produce requests"
same "$batches" "$(metric mq_commit_wait_seconds_count)" "waits for the disk"
[ "$(metric mq_sync_duration_seconds_count)" -ge 1 ] || fail "no sync was counted"
[ "$(metric mq_received_bytes_total)" -gt "$(stat -c %s "$log")" ] || fail "fewer bytes received than appended"

# Fetch.
mqcons counted >"$work/out"
same "$(stat -c %s "$log")" "$(metric mq_fetched_bytes_total)" "bytes fetched"
[ "$(metric mq_sent_bytes_total)" -gt "$(stat -c %s "$log")" ] || fail "fewer bytes sent than fetched"

# Errors by API and code.
mqcons no-such-topic >/dev/null 2>&1 && fail "a topic that is not there was read"
[ "$(metric 'mq_request_errors_total{api="Metadata",error="UNKNOWN_TOPIC_OR_PARTITION"}')" -ge 1 ] || fail "no error was counted"

# A group that comes, waits and goes.
mqcons -g readers --reset start -f counted >/dev/null 2>"$work/group.log" &
reader=$!
until_true 20 is_metric 'mq_groups{state="Stable"}' 1
same 1 "$(metric mq_group_members)" "members"
[ "$(metric mq_group_rebalances_total)" -ge 1 ] || fail "no rebalance was counted"
until_true 20 is_metric mq_fetches_parked 1
[ "$(metric mq_connections_open)" -ge 1 ] || fail "no connection is open"
kill -INT $reader; wait $reader || true
until_true 20 is_metric 'mq_groups{state="Empty"}' 1
same 0 "$(metric mq_group_members)" "members that left"
until_true 20 is_metric mq_connections_open 0
closed() { scrape | awk '/^mq_connections_closed_total/ { n += $NF } END { print n }'; }
same "$(metric mq_connections_accepted_total)" "$(closed)" "connections taken and closed"
same 0 "$(metric mq_requests_in_progress_bytes)" "requests in progress"

# Rubbish: each connection is counted, the log stays small and tells what it left out.
for ((i = 0; i < 200; i++)); do
  exec 8<>"/dev/tcp/127.0.0.1/$port"; printf '\377\377\377\377rubbish' >&8; cat <&8 >/dev/null || true; exec 8>&-
done
same 200 "$(metric 'mq_connections_closed_total{reason="refused"}')" "connections refused"
written=$(grep -c 'connection from .* closed' "$work/mqd.log")
same 200 $((written + $(metric mq_log_lines_left_out_total))) "lines written and left out"
[ "$written" -le 60 ] || fail "$written lines about 200 connections"
left_out_is_told() { grep -q 'more lines that clients caused were left out' "$work/mqd.log"; }
until_true 20 left_out_is_told
check_format

# After kill -9 the next start says what it had to check; after a graceful stop nothing.
kill_mqd
start_mqd --metrics 127.0.0.1:0
same 1 "$(metric mq_unclean_start)" "a start after kill -9"
[ "$(metric mq_recovery_checked_bytes)" -gt 0 ] || fail "nothing was checked after kill -9"
stop_mqd
start_mqd --metrics 127.0.0.1:0
same 0 "$(metric mq_unclean_start)" "a start after a graceful stop"
same 0 "$(metric mq_recovery_checked_bytes)" "bytes checked after a graceful stop"

# A disk whose sync fails: not ready, and not silently so.
strace -f -qq -o /dev/null -e trace=fdatasync -e inject=fdatasync:error=EIO -p $mqd_pid 2>"$work/strace.log" &
tracer=$!
attached() { [ "$(awk '/^TracerPid/ { print $2 }' /proc/$mqd_pid/status)" != 0 ] || ! kill -0 $tracer 2>/dev/null; }
until_true 20 attached
if kill -0 $tracer 2>/dev/null; then
  echo lost | mqprod --retry 1s counted 2>"$work/lost.log" && fail "a record was acknowledged that is not on disk"
  until_true 20 is_metric mq_data_directory_offline 1
  same "503 the data directory is offline" "$(http_get /readyz | paste -sd ' ')" "readiness without a disk"
  same 200 "$(status_of_path /healthz)" "health without a disk"
  grep -q 'is offline: .*look at the disk, then restart' "$work/mqd.log" || fail "the log does not say what to do"
  kill $tracer; wait $tracer 2>/dev/null || true
else
  echo "not checked here: a failing disk (strace may not attach: $(cat "$work/strace.log"))"
fi
kill_mqd
echo "metrics, health and the log tell what happened"
