#!/usr/bin/env bash
# A place of the disk cannot be read, while an answer is being sent or while it is made: the log, the metric and /readyz
# name it, who reads there is told and waits, all else is served; and what can be read again is served again.
. "$(dirname "$0")/situation.sh"
. "$(dirname "$0")/tracing.sh"
. "$(dirname "$0")/scrape.sh"
start_mqd --metrics 127.0.0.1:0
segment=$work/data/t-0/00000000000000000000.log
seq 1 200000 | mqprod t
echo good | mqprod other

trace -P "$segment" -e trace=sendfile -e inject=sendfile:error=EIO:when=1
mqcons t | cmp - <(seq 1 200000) || fail "one answer that could not be sent costs records"
end_trace
same 1 "$(metric mq_failed_reads_total)" "failed reads, while an answer was sent"
grep -q "an answer could not be sent: $segment:[0-9]*: cannot read: Input/output error" "$work/mqd.log" || fail "mqd does not say what it could not send"

stop_mqd
start_mqd --metrics 127.0.0.1:0
trace -P "$segment" -e trace=pread64,preadv2,sendfile,read -e inject=pread64,preadv2,sendfile,read:error=EIO
mqcons t >"$work/out" 2>"$work/notices" &
reader=$!
until_true 20 grep -q 'mqcons: .*t-0: the broker cannot read offset 0 from its disk (KAFKA_STORAGE_ERROR); trying again' "$work/notices"
until_true 10 grep -q "$segment:[0-9]*: cannot read: Input/output error" "$work/mqd.log"
same good "$(mqcons other)" "what lies elsewhere"
same 1 "$(wc -l <"$work/notices")" "notices of the same trouble"
http_get /readyz | grep "^200$" >/dev/null || fail "not ready beside an unreadable place"
http_get /readyz | grep "$segment" >/dev/null || fail "/readyz does not name it"
end_trace
wait "$reader" || fail "mqcons ended with $?"
cmp "$work/out" <(seq 1 200000) || fail "not the records, after the disk could be read again"
stop_mqd
echo "two unreadable places: named, counted, and served once they could be read"
