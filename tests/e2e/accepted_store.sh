#!/usr/bin/env bash
# accepted_store.sh BIN etcd|zookeeper: three mqd whose store is put back to an earlier moment. Those that start on it wait, say why and
# change nothing; with the newer store in place again they go on by themselves. Where there is none, mqctl cluster accept-store says what
# would be lost and has them go on, those that were stopped as those that run: whatever was acknowledged is there, in leader epochs and
# from producer ids that nobody had before, and logs that the store does not know are set aside. Who was left out waits until he is
# accepted, too.
. "$(dirname "$0")/situation.sh"
service=$2
keep_leaders=yes
command -v "$([ "$service" = etcd ] && echo etcd || echo java)" >/dev/null || { echo "$service is not installed"; exit 77; }
. "$(dirname "$0")/members.sh"
. "$(dirname "$0")/scrape.sh"
declare -A metrics_ports=([a]=$(free_port) [b]=$(free_port) [c]=$(free_port))

end_store() { kill -9 "$store_pid"; wait "$store_pid" 2>/dev/null || true; }
keep_store() { end_store; rm -rf "$work/$1"; cp -r "$work/store" "$work/$1"; start_"$service"; }
put_back() { end_store; rm -rf "$work/store"; cp -r "$work/$1" "$work/store"; start_"$service"; }
creates() { mqctl --timeout 5s topic create "$1" -p 1 -r "${2:-3}" >/dev/null 2>&1; }
# begin_member NAME: does not wait until it is ready.
begin_member() {
  mqd -D "$work/$1" -l "127.0.0.1:${ports[$1]}" --meta "$url" --threads 1 --metrics "127.0.0.1:${metrics_ports[$1]}" \
    -X auto.leader.rebalance.enable=false >>"$work/$1.log" 2>&1 &
  pids[$1]=$!
}
log_since() { tail -n "+$((${seen[$1]:-0} + 1))" "$work/$1.log"; }
declare -A seen=()
forget_logs() { local name; for name in a b c; do seen[$name]=$(wc -l <"$work/$name.log"); done; }
say() { local text=$1 name; shift; for name in "$@"; do log_since "$name" | grep -q "$text" || return 1; done; }
ready() { local name; for name in "$@"; do scraped=$name; [ "$(status_of_path /readyz)" = 200 ] || return 1; done; } 2>/dev/null
epochs() { mqctl partition list kept --no-header | cut -f 4; }
producers() { # the ids in the batches of these directories
  mqctl segment dump "$@" --output json | python3 -c 'import json, sys
print(*sorted({b["producer_id"] for b in json.load(sys.stdin) if b["producer_id"] is not None and b["producer_id"] >= 0}))'
}
has_all() { timeout 60 mqcons kept | sort -n | cmp - <(seq "$1"); }
settled() { exits 0 mqctl cluster wait --within 60s; }

for name in a b c; do start_member $name --metrics "127.0.0.1:${metrics_ports[$name]}"; done
export MQ_BROKERS=127.0.0.1:${ports[a]},127.0.0.1:${ports[b]},127.0.0.1:${ports[c]}
exits 0 mqctl cluster wait --for brokers=3
exits 6 mqctl cluster accept-store
has 'nothing to accept'
exits 0 mqctl topic create kept -p 2 -r 3
seq 100 | mqprod kept
keep_store earlier
until_true 60 creates later
seq 50 | mqprod later
for id in 1 2 3; do  # leaders come and go
  exits 0 mqctl cluster drain $id
  seq $((100 * id + 1)) $((100 * id + 100)) | mqprod kept
  exits 0 mqctl cluster drain --undo $id
done
settled
before=$(epochs | sort -n | tail -1)
stop_member a; kill_member b; stop_member c
keep_store newer

# Put back, and the right one put back in its stead.
put_back earlier
forget_logs
for name in a b c; do begin_member $name; done
until_true 60 say 'is not the one that this broker knew' a b c
scraped=b
same 503 "$(status_of_path /readyz)" "/readyz of one that waits"
http_get /readyz | grep -q 'held: .* accept-store' || fail "no reason: $(http_get /readyz)"
exits 0 mqctl cluster info
only_itself() { [ "$(MQ_BROKERS=127.0.0.1:${ports[b]} mqctl cluster info --no-header | cut -f 2)" = 2 ]; }
until_true 60 only_itself
exits 3 mqctl --timeout 3s topic create other
exits 8 mqctl cluster accept-store
has '^topic	later	1	would be set aside'
same 3 "$(grep -c 'waits for the store that it knew' <<<"$out")" "brokers that wait"
put_back newer
until_true 60 ready a b c
settled
has_all 400 || fail "not the records"
same 50 "$(timeout 60 mqcons later | wc -l)" "records of what the earlier one did not know"
say 'is one that this broker goes on with' a b c || fail "they do not say that they go on"
stop_member a; kill_member b; stop_member c

# There is no newer one: stopped brokers go on with it.
put_back earlier
forget_logs
for name in a b c; do begin_member $name; done
until_true 60 say 'is not the one that this broker knew' a b c
given=$(producers "$work"/a/kept-[01])
exits 0 mqctl cluster accept-store --yes
has '^topic	later	1	set aside'
until_true 60 ready a b c
settled
has_all 400 || fail "not the records"
[ "$(epochs | sort -n | head -1)" -gt "$before" ] || fail "epochs $(epochs) are not above $before"
exits 5 mqctl topic describe later
ls -d "$work"/a/later-0.*-stray >/dev/null || fail "nothing is set aside"
seq 401 500 | mqprod kept
has_all 500 || fail "not the records"
for id in $(producers "$work"/a/kept-[01]); do
  grep -qw -- "$id" <<<"$given" || [ "$id" -gt $((1 << 32)) ] || fail "producer id $id may have been given out: $given"
done
exits 6 mqctl cluster accept-store
exits 0 mqctl topic create later -p 1 -r 3
seq 10 | mqprod later
same 10 "$(timeout 60 mqcons later | wc -l)" "records of the new one of that name"

# While they run, one of them stopped: it is left out, and accepted when it comes back.
keep_store earlier
until_true 60 creates third
seq 501 600 | mqprod kept
for id in 1 2 3; do exits 0 mqctl cluster drain $id; exits 0 mqctl cluster drain --undo $id; done
stop_member c
forget_logs
put_back earlier
until_true 60 say 'has gone back in time' a b
seq 601 700 | timeout 60 mqprod kept || fail "producing ends with it"
exits 6 mqctl cluster accept-store --yes
has 'broker 3 is not there to say'
exits 0 mqctl cluster accept-store --without 3 --yes
until_true 60 say 'was accepted as it is' a b
until_true 60 creates fourth 2
exits 5 mqctl topic describe third
seq 701 800 | mqprod kept
has_all 800 || fail "not the records"
begin_member c
until_true 60 say 'is not the one that this broker knew' c
exits 0 mqctl cluster accept-store --yes
until_true 60 ready c
settled
has_all 800 || fail "not the records"

echo "with $service put back, brokers that started waited, and went on with the right one or with what was accepted, and no record is missing"
