#!/usr/bin/env bash
# The disk fails a sync: the data directory goes offline, for good. Nothing is acknowledged from then on, also when the
# disk would sync again; what was synced is still served; the daemon says so, and /readyz too.
. "$(dirname "$0")/situation.sh"
. "$(dirname "$0")/tracing.sh"
. "$(dirname "$0")/scrape.sh"
start_mqd --metrics 127.0.0.1:0
seq 1 1000 | mqprod t
same 200 "$(status_of_path /readyz)" "ready"

trace -P "$work/data/t-0/00000000000000000000.log" -e trace=fdatasync -e inject=fdatasync:error=EIO
! seq 1001 2000 | mqprod --retry 1s t 2>"$work/mqprod.log" || fail "records were acknowledged that the disk did not take"
end_trace
same 1 "$(grep -c EIO "$work/trace")" "syncs after the one that failed: it is not tried again"
grep -q 'is offline: .*Nothing more is acknowledged' "$work/mqd.log" || fail "mqd does not say that it is offline"
same 503 "$(status_of_path /readyz)" "not ready"
same 200 "$(status_of_path /healthz)" "alive"

# The disk is well again. That proves nothing: the kernel may have dropped what it could not write.
! echo 2001 | mqprod --retry 1s t 2>"$work/mqprod.log" || fail "a record was acknowledged after a failed sync"
! echo 1 | mqprod --retry 1s other 2>"$work/mqprod.log" || fail "a record of another topic was acknowledged"
mqcons t | cmp - <(seq 1 1000) || fail "what was synced is not served any more"

kill -TERM "$mqd_pid"; wait "$mqd_pid" || true; mqd_pid=
[ ! -e "$work/data/.kafka_cleanshutdown" ] || fail "such a stop is not clean"
start_mqd
mqcons t >"$work/out"
cmp <(head -n 1000 "$work/out") <(seq 1 1000) || fail "acknowledged records are lost"
cmp "$work/out" <(seq 1 "$(wc -l <"$work/out")") || fail "not the records that were sent"
echo more | mqprod t || fail "a restart does not end it"
stop_mqd
echo "offline after the first failed sync; $(wc -l <"$work/out") records after the restart"
