# Sourced by quickstart.sh: an etcd and three brokers on this machine, a log that goes through while the broker that leads it is
# killed, and what the tools say meanwhile. Ends with 0 only if nothing is missing.

work=$(mktemp -d)
brokers=()
store_pid=
# The store last: who stops tells the others by it.
stop_all() {
  local pid
  for pid in "${brokers[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
  for pid in "${brokers[@]}"; do wait "$pid" 2>/dev/null || true; done
  brokers=()
  [ -z "$store_pid" ] || { kill -TERM "$store_pid" 2>/dev/null; wait "$store_pid" 2>/dev/null; } || true
  store_pid=
}
at_end() { stop_all; rm -rf "$work"; }
trap at_end EXIT
show() { printf '\n$ %s\n' "$*"; bash -c "$*"; }
fails() { tail -n 5 "$work"/*.log >&2; die "$*"; }
# Until COMMAND is true, for a minute.
until_true() {
  local end=$((SECONDS + 60))
  until "$@"; do [ $SECONDS -lt $end ] || fails "not in a minute: $*"; sleep 0.1; done
}

ports=()
next_port=19092
find_ports() {
  while [ ${#ports[@]} -lt "$1" ]; do
    (exec 3<>"/dev/tcp/127.0.0.1/$next_port") 2>/dev/null || ports+=("$next_port")
    next_port=$((next_port + 1))
  done
}
find_ports 5
store=127.0.0.1:${ports[3]}

say "Starting etcd, which keeps what the cluster knows of itself"
etcd --logger zap --log-level error --data-dir "$work/etcd" --listen-client-urls "http://$store" \
  --advertise-client-urls "http://$store" --listen-peer-urls "http://127.0.0.1:${ports[4]}" >"$work/etcd.log" 2>&1 &
store_pid=$!

say "Starting three brokers; they need the name of the store, and nothing else"
export MQ_BROKERS=127.0.0.1:${ports[0]},127.0.0.1:${ports[1]},127.0.0.1:${ports[2]}
declare -A broker_at=()
for i in 0 1 2; do
  echo "\$ mqd --data DIR/$i --listen 127.0.0.1:${ports[i]} --meta etcd://$store/demo &"
  mqd --data "$work/$i" --listen "127.0.0.1:${ports[i]}" --meta "etcd://$store/demo" 2>"$work/mqd-$i.log" &
  brokers+=($!)
  broker_at[${ports[i]}]=$!
done
mqctl cluster wait --for brokers=3 || fails "The brokers did not find each other."
show "mqctl broker list -o table"
show "mqctl topic create packages -p 1 -o table"

log=/var/log/dpkg.log
[ -r "$log" ] && [ -s "$log" ] || log=README.md
lines=$(wc -l <"$log")
rate=$((lines / 8 + 1))
say "Sending $lines lines, $rate in a second, and killing the broker that leads meanwhile"
echo "\$ mqprod --rate $rate/s packages < $log &"
mqprod --rate "$rate/s" packages <"$log" 2>"$work/mqprod.log" &
producer=$!
# value NAME: of the only partition.
value() {
  mqctl partition list packages -o tsv 2>/dev/null |
    awk -F'\t' -v name="$1" 'NR == 1 { for (i = 1; i <= NF; ++i) if ($i == name) at = i } NR == 2 { print $at }'
}
has_begun() { [ "$(value high_watermark)" -ge $((lines / 5)) ] 2>/dev/null; }
until_true has_begun
show "mqctl partition list packages -o table"
leader=$(value leader)
address=$(mqctl broker list --no-header | awk -F'\t' -v id="$leader" '$1 == id { print $2 }')
victim=${broker_at[${address##*:}]}
printf '\n$ kill -9 %s    # broker %s\n' "$victim" "$leader"
kill -9 "$victim"
wait "$victim" 2>/dev/null || true
has_another() { local now; now=$(value leader); [ -n "$now" ] && [ "$now" != "$leader" ]; }
until_true has_another
show "mqctl partition list packages -o table"
show "mqctl why partition packages/0 -o jsonl"
kill -0 "$producer" 2>/dev/null && echo "the producer goes on" || true
wait "$producer" || fails "The producer did not bring everything in."

say "What went in came out?"
mqcons packages >"$work/out" || fails "It cannot be read."
echo "\$ mqcons packages | cmp - $log"
cmp "$work/out" "$log" || die "What came out is not what went in: $(wc -l <"$work/out") of $lines lines."
echo "$lines lines: none is missing, none is there twice, all are in order"

say "The broker comes back"
i=0
while [ "${ports[i]}" != "${address##*:}" ]; do i=$((i + 1)); done
mqd --data "$work/$i" --listen "127.0.0.1:${ports[i]}" --meta "etcd://$store/demo" 2>>"$work/mqd-$i.log" &
brokers+=($!)
show "mqctl cluster wait --for no-urp && mqctl partition elect -o table && mqctl cluster health -o table" ||
  fails "The cluster did not become whole again."

say "Stopping"
stop_all
echo "all stopped"
