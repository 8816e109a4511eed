#!/usr/bin/env bash
# Every command of mqctl: its rows, what it changed, and its exit code.
. "$(dirname "$0")/../e2e/situation.sh"

exits 3 mqctl -b 127.0.0.1:1 topic list
exits 2 mqctl topic remove
exits 2 mqctl group reset g --to somewhere
start_mqd

# Topics: each name has its own row and the worst code counts.
exits 0 mqctl topic create web audit -p 3 --retention 7d
same "created created" "$(column result | xargs)"
exits 6 mqctl topic create web other
same "failed created" "$(column result | xargs)"
exits 0 mqctl topic create web --if-not-exists
exits 0 mqctl topic create ghost -n
exits 2 mqctl topic create no/name
# A bare number could be days; as bytes it would delete what is written.
exits 2 mqctl topic create bare --retention 7
exits 2 mqctl topic create twice --retention 7d --set retention.ms=5
exits 2 mqctl topic create twice --set retention.ms=5 --set retention.ms=6
exits 0 mqctl topic list
same "audit other web" "$(column topic | xargs)"
exits 0 mqctl topic list 'w*' -o jsonl
same '{"topic":"web","partitions":3,"replicas":1,"internal":false}' "$out"
exits 5 mqctl topic describe web ghost
same "604800000" "$(mqctl config get topic/web retention.ms --no-header | cut -f 3)"

# Partitions.
seq 1000 | mqprod -p 1 web
exits 0 mqctl partition list web
same "0 1000 0" "$(column high_watermark | xargs)"
same "0 1000 0" "$(column log_end | xargs)"
exits 5 mqctl partition list web/7
exits 0 mqctl partition list web/1 web
same "0 1 2" "$(column partition | xargs)" "a topic and one partition of it"
exits 0 mqctl partition list web/1
same 1 "$(column partition)"

# Settings.
exits 0 mqctl config set topic/web retention.ms=1000 -n
exits 0 mqctl config set topic/web retention.ms=60000
same "604800000 60000" "$(column old) $(column new)"
exits 2 mqctl config set topic/web no.such.setting=1
exits 5 mqctl config set topic/web --unset retention.m
exits 2 mqctl config set topic/web retention.ms=1 --unset retention.ms
same 60000 "$(mqctl config get topic/web retention.ms --no-header | cut -f 3)" "after mistakes"
exits 0 mqctl config set topic/web --append cleanup.policy=compact -n
same "delete delete,compact" "$(column old) $(column new)" "what an addition would make"
exits 5 mqctl config get topic/ghost
exits 5 mqctl config get broker/77

# Settings of brokers: of all, and of one, which count before those.
setting_of() { mqctl config get "$1" "$2" --no-header | cut -f 3,4 | tr '\t' ' '; }
same "1 default" "$(setting_of broker/1 num.partitions)"
exits 0 mqctl config set cluster num.partitions=4 -n
same "1 default" "$(setting_of broker/1 num.partitions)" "after a dry run"
exits 0 mqctl config set cluster num.partitions=4
same "set" "$(column result)"
same "4 dynamic default broker" "$(setting_of broker/1 num.partitions)"
exits 0 mqctl config set broker/1 num.partitions=5
same "5 dynamic broker" "$(setting_of broker/1 num.partitions)"
exits 0 mqctl config get cluster
same "cluster num.partitions 4" "$(column resource) $(column name) $(column value)"
exits 0 mqctl config get broker/1 --changed
has num.partitions
exits 2 mqctl config set broker/1 log.dirs=/elsewhere
has 'read when a broker starts'
exits 2 mqctl config set broker/1 min.insync.replicas=1
has 'set it for all of them'
exits 0 mqctl config set broker/1 --unset num.partitions
exits 0 mqctl config set cluster --unset num.partitions
same "1 default" "$(setting_of broker/1 num.partitions)" "after all was taken away"
exits 0 mqctl config diff topic/web topic/other
same "retention.ms 60000 604800000" "$(column name) $(column first) $(column second)"
exits 0 mqctl config diff broker/1 broker/1
same "" "$(column name)"
exits 5 mqctl config diff topic/web topic/ghost
exits 2 mqctl config diff topic/web
exits 2 mqctl config diff topic/web brokers/1

# Groups: a live one is left alone, and named; then nothing happens without consent.
same 1000 "$(mqcons -g readers --reset start web | wc -l)"
exits 0 mqctl group lag readers --max 0
mqcons -f -g readers --instance alive --reset start web >/dev/null 2>&1 &
member=$!
has_member() { mqctl group describe readers | grep -q alive; }
until_true 20 has_member
exits 6 mqctl group reset readers --to start -y
grep -q alive <<<"$err" || fail "the live member is not named: $err"
kill -9 $member; wait $member 2>/dev/null || true
exits 5 mqctl group describe nobody
same 1000 "$(mqcons -g idle --reset start web | wc -l)"
exits 0 mqctl group reset idle --to end --topic web:1 --topic web -n
same "0 1 2" "$(column partition | xargs)" "a topic and one partition of it"
exits 5 mqctl group reset idle --to end --topic ghost -n
! grep -q 'has committed nothing' <<<"$err" || fail "an untrue reason: $err"
exits 0 mqctl group reset idle --to @1960-01-01 --topic web:1 -n
same 0 "$(column new)" "a time before there were any"
# A group that read nothing and committed nothing: nothing to compare, and said so.
mqctl topic create untouched >/dev/null
timeout 60 kcat -q -b "$MQ_BROKERS" -G newcomers untouched >/dev/null 2>&1 &
member=$!
has_joined() { mqctl group describe newcomers 2>/dev/null | grep -q untouched-0; }
until_true 20 has_joined
exits 0 mqctl group lag newcomers
same "0" "$(column partition)" "a partition that is read and not committed"
kill -INT $member; wait $member 2>/dev/null || true
has_left() { mqctl group describe newcomers -o jsonl | grep -q '"state":"Empty"'; }
until_true 20 has_left
exits 0 mqctl group lag newcomers
grep -q 'newcomers has committed nothing' <<<"$err" || fail "no word about a group without commits: $err"
exits 0 mqctl group lag
same "" "$err" "what cron would mail"
exits 8 mqctl group reset idle --to start --topic web:1
exits 0 mqctl group reset idle --to end-10 --topic web:1 -n
same "1000 990 would be reset" "$(column old) $(column new) $(column result)"
exits 0 mqctl group reset idle --to end-10 --topic web:1 -y
exits 1 mqctl group lag idle --max 9
same "10" "$(column lag | sort -n | tail -1)"
same "$(seq 991 1000)" "$(mqcons -g idle --reset start web)"

# A commit outside the log: what is still there counts, what was deleted unread is told apart, and no limit passes over
# a place where the group would miss what comes.
ask() { "$(dirname "$0")/request.py" "$MQ_BROKERS" "$@" || fail "cannot ask for $*"; }
mqctl topic create outside >/dev/null
seq 1000 | mqprod outside
ask commit late outside 100
ask delete outside 400
exits 1 mqctl group lag late --max 599
same "600 300" "$(column lag) $(column lost)" "below the start"
[ "$(column behind_ms)" -ge 0 ] || fail "the time of what is still there: $(column behind_ms)"
exits 0 mqctl group lag late --max 600
ask delete outside 1000
exits 0 mqctl group lag late --max 0
same "0 900 0" "$(column lag) $(column lost) $(column behind_ms)" "nothing is left"
ask commit early outside 5000
exits 0 mqctl group lag early
same "-4000 0" "$(column lag) $(column lost)" "beyond the end"
same "" "$(column behind_ms)" "the time of nothing"
grep -q 'early: outside-0: what it has committed is 4000 beyond the end' <<<"$err" || fail "nobody tells: $err"
exits 1 mqctl group lag early --max 1000000
exits 1 mqctl group lag early --max 1d
exits 6 mqcons -g early outside
# A record without a time is not 57 years old.
mqctl topic create timeless >/dev/null
ask append timeless -1
ask commit unknown timeless 0
exits 0 mqctl group lag unknown --max 1h
same "1 " "$(column lag) $(column behind_ms)" "behind a record without a time"
grep -q 'how long it is behind is not known' <<<"$err" || fail "nobody tells: $err"
exits 1 mqctl group lag unknown --max 0
exits 0 mqctl group lag unknown -o json
grep -q '"behind_ms":null' <<<"$out" || fail "not null: $out"

# A configuration file that cannot be got at is none, unless it was named.
install -m 755 "$(command -v mqctl)" "$work/mqctl"
mkdir -p "$work/home/.config/mq"
echo 'brokers = nowhere:1' >"$work/home/.config/mq/config"
# at_home [OPTION]...: lists topics as somebody whose home is $work/home, and who is not root.
at_home() {
  local as=()
  [ "$(id -u)" != 0 ] || as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
  env -u XDG_CONFIG_HOME HOME="$work/home" "${as[@]}" "$work/mqctl" topic list "$@"
}
chmod 711 "$work"; chmod 000 "$work/home"
exits 0 at_home
exits 2 at_home --config "$work/home/.config/mq/config"
grep -q 'Permission denied' <<<"$err" || fail "no reason: $err"
chmod 711 "$work/home" "$work/home/.config" "$work/home/.config/mq"; chmod 000 "$work/home/.config/mq/config"
exits 2 at_home
grep -q 'Permission denied' <<<"$err" || fail "no reason: $err"
chmod 700 "$work/home/.config/mq/config"
exits 0 env -u XDG_CONFIG_HOME HOME="$work/data/meta.properties" mqctl topic list
exits 0 env XDG_CONFIG_HOME="$work/data/meta.properties" mqctl topic list
exits 0 env -u HOME -u XDG_CONFIG_HOME mqctl topic list
mkdir -p "$work/odd/mq/config"
exits 2 env XDG_CONFIG_HOME="$work/odd" mqctl topic list
grep -q 'directory' <<<"$err" || fail "no reason: $err"

# The cluster; and what is destroyed only with consent.
exits 0 mqctl cluster info
same 1 "$(column broker)"
exits 0 mqctl cluster health
same ok "$(column result | sort -u)"
exits 0 mqctl cluster wait --for brokers=1
exits 3 mqctl cluster wait --for brokers=2 --within 300ms
exits 0 mqctl broker list
same "1 there" "$(column broker) $(column state)"
exits 6 mqctl broker remove 1 --yes
exits 5 mqctl broker remove 2
exits 2 mqctl broker remove one
exits 0 mqctl partition list --urp --offline --under-min-isr --not-preferred
same "" "$(column topic)"
exits 0 mqctl partition elect
same "" "$(column topic)"
exits 6 mqctl partition cancel web/0
exits 6 mqctl topic alter web -r 2 --yes
exits 2 mqctl topic alter web --yes
exits 2 mqctl topic alter web -p 9 -r 1
mqctl topic create grown -p 2 >/dev/null
exits 8 mqctl topic alter grown -p 4
same "2 4 would be added" "$(column from) $(column to) $(column result)"
exits 0 mqctl topic alter grown -p 4 --yes
same added "$(column result)"
exits 0 mqctl topic alter grown -p 4 --yes
same "as it is" "$(column result)"
exits 6 mqctl topic alter grown -p 3 --yes
exits 5 mqctl topic alter ghost -p 3 --yes
exits 0 mqctl partition list grown
same "0 1 2 3" "$(column partition | xargs)"
exits 0 mqctl why partition web
exits 5 mqctl why partition ghost
exits 8 mqctl topic delete other
# Consent is asked for only where there is something to do.
exits 5 mqctl topic delete ghost
exits 0 mqctl topic delete ghost --if-exists
exits 5 mqctl group reset nobody --to start
exits 5 mqctl topic delete other ghost -y
same "deleted failed" "$(column result | xargs)"
exits 0 mqctl topic delete ghost --if-exists -y

mqctl topic create timed >/dev/null
ask append timed 1738332000000 1738335600000 1738339200000 1738342800000
mqctl topic create replaced >/dev/null
seq 10 | mqprod replaced
seq 11 20 | mqprod replaced

# Files, with nobody running.
stop_mqd
segment=$work/data/web-1/00000000000000000000.log
exits 0 mqctl segment verify "$work/data"
exits 0 mqctl segment list "$segment"
same 1000 "$(column records)"
exits 0 mqctl segment dump "$segment"
same 999 "$(column last_offset | tail -1)"
cmp <(mqctl segment dump -F '%s\n' "$segment") <(seq 1000) || fail "the dump has other records"
exits 0 mqctl segment dump -J -o 3..4 "$segment"
grep -q '"topic":"web","partition":1,"offset":3,.*"value":"4"' <<<"$out" || fail "not the record: $out"
# A time is that of a record also where records share a batch, as it is for mqcons.
exits 0 mqctl segment list "$work/data/timed-0"
same 1 "$(column batches)" "batches"
exits 0 mqctl segment dump -F '%s\n' -o @2025-01-31T15:00Z..@2025-01-31T16:30Z "$work/data/timed-0/00000000000000000000.log"
same "1738335600000 1738339200000" "$(xargs <<<"$out")" "a part of a batch by time"
# What the log has gone on without is of no log, and no damage.
replaced=$work/data/replaced-0/00000000000000000000
rm "$replaced".*index
printf '0\n10\n' >"$replaced.mqend"
exits 0 mqctl segment verify "$work/data/replaced-0"
same "" "$out" "findings"
grep -q "^mqctl: $replaced.log:[1-9][0-9]*: the log has gone on at offset 10 in another segment" <<<"$err" || fail "not told: $err"
exits 0 mqctl segment list "$replaced.log"
same "10 ok" "$(column end_offset) $(column log)"
exits 0 mqctl segment dump -F '%s\n' "$replaced.log"
same "$(seq 10)" "$out" "what is of the log"
exits 0 mqctl segment dump -F '%s\n' -o end-1.. "$replaced.log"
same 10 "$out" "the last one"
printf '0\nten\n' >"$replaced.mqend"
exits 7 mqctl segment verify "$work/data/replaced-0"
printf X | dd of="$segment" bs=1 seek=100 conv=notrunc 2>/dev/null
exits 7 mqctl segment verify "$work/data/web-1"
grep -q "^$segment:0: " <<<"$out" || fail "the place is missing: $out"
exits 7 mqctl segment list "$segment"
same damaged "$(column log)"
exits 7 mqctl segment dump "$segment"
exits 5 mqctl segment verify "$work/nothing"
exits 5 mqctl segment list "$work/nothing"
exits 5 mqctl segment dump "$work/nothing"
mkfifo "$work/00000000000000000000.log"
for command in list dump verify; do
  exits 2 timeout 10 mqctl segment $command "$work/00000000000000000000.log"
  grep -q 'not a regular file' <<<"$err" || fail "segment $command of a named pipe: $err"
done
same '[]' "$(MQ_OUTPUT=json mqctl segment dump "$work/data/web-0")" "MQ_OUTPUT"
# A partition that nobody has written to, a broker without topics; and what is neither.
mkdir -p "$work/fresh/data/web-0" "$work/fresh/none"
cp "$work/data/web-0/partition.metadata" "$work/fresh/data/web-0/"
exits 0 mqctl segment verify "$work/fresh/data/web-0"
exits 0 mqctl segment verify "$work/fresh/data"
exits 0 mqctl segment list "$work/fresh/data"
exits 5 mqctl segment verify "$work/fresh/none"
cp "$work/data/meta.properties" "$work/fresh/none/"
exits 0 mqctl segment verify "$work/fresh/none"
echo "every command did what it said"
