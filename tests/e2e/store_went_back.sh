#!/usr/bin/env bash
# store_went_back.sh BIN: three mqd whose etcd is put back to an earlier moment while they run. They say so, serve on with what they
# know and change nothing: no epoch is given twice, no record is missing. With the newer store in place again all goes on.
. "$(dirname "$0")/situation.sh"
service=etcd
keep_leaders=yes
command -v etcd >/dev/null || { echo "etcd is not installed"; exit 77; }
. "$(dirname "$0")/members.sh"

end_store() { kill -9 "$store_pid"; wait "$store_pid" 2>/dev/null || true; }
row() { mqctl partition list t --no-header | cut -f 3-6; }
all_say() { local name; for name in a b c; do grep -q "$1" "$work/$name.log" || return 1; done; }
creates() { mqctl --timeout 5s topic create "$1" -p 1 -r 3 >/dev/null 2>&1; }

for name in a b c; do start_member $name; done
export MQ_BROKERS=127.0.0.1:${ports[a]},127.0.0.1:${ports[b]},127.0.0.1:${ports[c]}
exits 0 mqctl cluster wait --for brokers=3
exits 0 mqctl topic create t -p 1 -r 3
seq 100 | mqprod t
end_store; cp -r "$work/store" "$work/earlier"; start_etcd
until_true 30 creates passing
exits 0 mqctl topic delete passing --yes
for id in 1 2 3; do  # leaders come and go
  exits 0 mqctl cluster drain $id
  seq $((100 * id + 1)) $((100 * id + 100)) | mqprod t
  exits 0 mqctl cluster drain --undo $id
done
before=$(row)

end_store; mv "$work/store" "$work/newer"; mv "$work/earlier" "$work/store"; start_etcd
until_true 60 all_say 'has gone back in time: it is at revision'
same "$before" "$(row)" "who leads, in which epoch"
seq 401 500 | timeout 60 mqprod t || fail "producing ends with it"
seq 500 | cmp - <(timeout 60 mqcons t) || fail "not the records"
exits 3 mqctl --timeout 5s topic create other
has 'gone back in time'
same "$before" "$(row)" "who leads, in which epoch"

end_store; rm -r "$work/store"; mv "$work/newer" "$work/store"; start_etcd
until_true 60 creates other
until_true 30 all_say 'is as new as it was again'
exits 0 mqctl cluster wait --within 60s
seq 501 600 | mqprod t
seq 600 | cmp - <(timeout 60 mqcons t) || fail "not the records"
echo "an etcd that was put back while three brokers ran was noticed and not followed, and no record is missing"
