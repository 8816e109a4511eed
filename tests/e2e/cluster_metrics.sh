#!/usr/bin/env bash
# cluster_metrics.sh BIN: three mqd over etcd tell of themselves at /metrics. One dies and comes back, the store goes and comes
# back; and the alert rules that we ship, and the page about them, name nothing that a broker does not have.
. "$(dirname "$0")/situation.sh"
. "$(dirname "$0")/scrape.sh"
service=etcd
keep_leaders=yes  # where they are looked at, however long that takes
command -v etcd >/dev/null || { echo "etcd is not installed"; exit 77; }
. "$(dirname "$0")/members.sh"
root=$(cd "$(dirname "$0")/../.." && pwd)

# of NAME SERIES, sum SERIES: a number of one member, and of all that run.
of() { local scraped=$1; metric "$2"; }
sum() { local name all=0; for name in "${!pids[@]}"; do all=$((all + $(of "$name" "$1"))); done; echo $all; }
is_of() { [ "$(of "$1" "$2")" = "$3" ]; }
is_sum() { [ "$(sum "$1")" = "$2" ]; }
is_more() { [ "$(sum "$1")" -gt "$2" ]; }

for name in a b c; do start_member $name --metrics 127.0.0.1:0; done
export MQ_BROKERS=127.0.0.1:${ports[a]},127.0.0.1:${ports[c]}
mqctl cluster wait --for brokers=3
mqctl topic create t -p 6 -r 3 >/dev/null
mqctl cluster wait --within 30s
for name in a b c; do until_true 10 is_of $name 'mq_brokers{state="ready"}' 3; done
until_true 10 is_sum mq_partitions_led "$(of a mq_partitions)"
same 1 "$(sum mq_controller)" "controllers"
same 3 "$(sum 'mq_broker_state{state="ready"}')" "brokers that are ready"
same 3 "$(sum mq_metadata_store_reachable)" "brokers that reach the store"
seq 1000 | mqprod t
until_true 10 is_sum mq_follower_lag_records 0
for series in partitions_under_replicated partitions_under_min_isr partitions_offline partitions_not_preferred partitions_moving; do
  until_true 10 is_sum mq_$series 0
done
same 0 "$(sum 'mq_elections_total{kind="unclean"}')" "unclean elections"
[ "$(sum 'mq_metadata_store_duration_seconds_count{call="transact"}')" -gt 3 ] || fail "no transaction was timed"

# One dies.
led=$(of b mq_partitions_led); elected=$(sum 'mq_elections_total{kind="clean"}'); shrunk=$(sum 'mq_isr_changes_total{kind="shrink"}')
[ "$led" -ge 2 ] || fail "b leads $led partitions"
kill_member b
for name in a c; do until_true 20 is_of $name 'mq_brokers{state="gone"}' 1; done
until_true 20 is_sum mq_partitions_led "$(of a mq_partitions)"
same "$(of a mq_partitions)" "$(sum mq_partitions_under_replicated)" "partitions that lack the dead one"
same 0 "$(sum mq_partitions_under_min_isr)" "partitions with too few in sync"
[ "$(sum mq_partitions_not_preferred)" -ge "$led" ] || fail "nobody leads for the dead one"
is_more 'mq_isr_changes_total{kind="shrink"}' "$shrunk" || fail "no ISR shrank"
# The controller that died took what it had counted with it.
is_more 'mq_elections_total{kind="clean"}' 0 || fail "nobody was elected"
until_true 20 is_sum mq_controller 1

# It comes back.
grown=$(sum 'mq_isr_changes_total{kind="expand"}')
start_member b --metrics 127.0.0.1:0
mqctl cluster wait --for no-urp --within 60s
until_true 20 is_sum mq_partitions_under_replicated 0
is_more 'mq_isr_changes_total{kind="expand"}' "$grown" || fail "no ISR grew"
until_true 10 is_of a 'mq_brokers{state="gone"}' 0

# The store goes, and comes back.
kill -9 "$store_pid"; wait "$store_pid" 2>/dev/null || true
for name in a b c; do until_true 30 is_of $name mq_metadata_store_reachable 0; done
[ "$(sum 'mq_metadata_store_failures_total{reason="unreachable"}')" -gt 0 ] || fail "no call failed"
start_etcd
for name in a b c; do until_true 30 is_of $name mq_metadata_store_reachable 1; done
for name in a b c; do until_true 30 is_of $name 'mq_broker_state{state="ready"}' 1; done

# What we ship, and the page for operators.
mqcons no-such-topic >/dev/null 2>&1 && fail "a topic that is not there was read"
for name in a c; do scraped=$name scrape >"$work/page-$name"; done
python3 "$root/tests/e2e/alert_rules.py" "$root/packaging/prometheus-rules.yml" "$root/docs/operating.md" "$work"/page-*
python3 - "$root" "$work/page-a" <<'END'
import re, subprocess, sys
root, page = sys.argv[1:]
check = [sys.executable, root + "/tests/e2e/alert_rules.py", "/dev/stdin", root + "/docs/operating.md", page]
rules = open(root + "/packaging/prometheus-rules.yml").read()
for told, broken in (("mq_controllers", rules.replace("mq_controller)", "mq_controllers)")),
                     ("line ", rules.replace("        for: 30s", "       for: 30s", 1)),
                     ("lost", rules.replace('state="gone"', 'state="lost"'))):
    assert broken != rules
    done = subprocess.run(check, input=broken, text=True, capture_output=True)
    assert done.returncode == 1 and told in done.stderr, (told, done)
END

# A broker alone has none of these, and takes what it has from the same page.
for name in a b c; do kill_member $name; done
start_mqd --metrics 127.0.0.1:0
scrape >"$work/alone"
! grep -E 'mq_(controller|brokers|partitions_under|isr|elections|metadata_store)' "$work/alone" || fail "a broker alone tells of a cluster"
kill_mqd
echo "three brokers tell what happens to their cluster"
