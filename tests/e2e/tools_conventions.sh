#!/usr/bin/env bash
# The complaints that made these tools: exit codes, streams, binary safety, ranges, pipes that close early.
. "$(dirname "$0")/situation.sh"
start_mqd
status_of() { local status=0; "$@" >"$work/stdout" 2>"$work/stderr" </dev/null || status=$?; echo $status; }

printf 'a\nb\n\nc\n' | mqprod blank
same 4 "$(mqcons blank | wc -l)" "an empty line is a record"
same "$(printf 'a\nb\n\nc\n' | md5sum)" "$(printf 'a\nb\n\nc\n' | mqprod -T teed | md5sum)" "-T copies the delimiters too"
printf 'k1:v1\nk2:v2\n' | mqprod -K: keyed
same "$(printf 'k1=v1\nk2=v2')" "$(mqcons -F '%k=%s\n' keyed)" "keys"
printf 'no delimiter\n' >"$work/in"
same 1 "$(status_of mqprod -K: keyed "$work/in")" "a line without the key delimiter"
same 2 "$(status_of mqcons --no-such-option t)" "an unknown option"
grep -q "mqcons --help" "$work/stderr" || fail "no hint after an unknown option"
same 2 "$(status_of mqcons -o garbage blank)" "a range that makes no sense"
same 2 "$(status_of mqcons -c abc blank)" "a count that is no number"
same 5 "$(status_of mqcons no-such-topic)" "a topic that is not there"
same 3 "$(status_of mqcons -b 127.0.0.1:1 --connect-timeout 300ms blank)" "no broker"
same 2 "$(status_of timeout 10 mqd -D "$work/other" -l SASL_SSL://127.0.0.1:0)" "a listener that names what mqd does not have"
grep -q "no TLS and no SASL" "$work/stderr" || fail "mqd does not say why it refuses SASL_SSL"
same 2 "$(status_of timeout 10 mqd -D "$work/other" -l "unix:$work/s" --advertise a:1)" "an address for clients that cannot be"
same 0 "$(status_of mqcons --help)" "help"
grep -q -- --since "$work/stdout" || fail "help goes to standard output"
same "$(printf 'b\n')" "$(mqcons -o 1..2 blank)" "a half-open range"
same "$(printf '\nc')" "$(mqcons -n 2 blank)" "the last two"
same 1 "$(mqcons -c 1 blank | wc -l)" "a count"
seq 1 100000 | mqprod many
status=0; { mqcons many || echo $? >"$work/pipe-status"; } | head -2 >/dev/null
same 141 "$(cat "$work/pipe-status")" "a reader that went away"
printf '\377\376\000binary\000' | mqprod -0 bin
mqcons -J bin | python3 -c 'import sys,json; [json.loads(line) for line in sys.stdin]' || fail "-J of binary is no JSON"
same "$(printf '\377\376\000binary\000' | md5sum)" "$(mqcons -0 bin | md5sum)" "binary records"
same 3 "$(seq 1 3 | mqprod g; mqcons -g readers --reset start g | wc -l)" "a group reads everything"
same 0 "$(mqcons -g readers g | wc -l)" "and once"
same 6 "$(status_of mqcons -g others g)" "a group without a position"

# Help is data: on standard output, for a command, for a noun, for programs; -o and -F explain their own values.
for tool in mqd mqprod mqcons mqctl mqbench; do
  for help in -h --help --help-json --help-man --version; do
    same 0 "$(status_of $tool $help)" "$tool $help"
    [ -s "$work/stdout" ] && [ ! -s "$work/stderr" ] || fail "$tool $help writes to the wrong place"
  done
  same 2 "$(status_of $tool --hlep)" "$tool with a wrong option"
  grep -q "did you mean '--help'" "$work/stderr" || fail "$tool suggests nothing"
  [ ! -s "$work/stdout" ] || fail "$tool writes its mistakes to standard output"
done
same 0 "$(status_of mqctl topic create --help)" "help about one command"
grep -q -- --retention "$work/stdout" || fail "help about a command lacks its options"
same 0 "$(status_of mqctl -X help)" "the settings"
same 2 "$(status_of mqctl topic lst)" "a verb that is not there"
grep -q "did you mean 'topic list'" "$work/stderr" || fail "no verb is suggested"
same 2 "$(status_of mqd -D --help)" "an option as a value"
[ ! -e ./--help ] || fail "mqd made a directory of it"
same 1 "$(mqprod --help >/dev/full 2>/dev/null || echo $?)" "help that cannot be written"

# Tables are for people, tsv is for programs; colour only where somebody looks.
same "$(printf 'topic\tpartitions\treplicas\tinternal')" "$(mqctl topic list | head -1)" "tsv in a pipe"
same "" "$(mqctl topic list -o table | grep -c $'\033' | grep -v '^0$' || true)" "colour in a pipe"
same 1 "$(mqctl topic list -o table --color always | grep -c $'\033')" "lines in colour"
same 0 "$(NO_COLOR=1 script -qec 'mqctl topic list' /dev/null </dev/null | grep -c $'\033\[1m' || true)" "NO_COLOR on a terminal"
same 1 "$(TERM=xterm script -qec 'mqctl topic list' /dev/null </dev/null | grep -c $'\033\[1m')" "a terminal"
same '"blank"' "$(MQ_OUTPUT=json mqctl topic list bl* | grep -o '"blank"')" "MQ_OUTPUT"
printf 'red\033[31m\n' | mqprod red
same 0 "$(script -qec 'mqcons red' /dev/null </dev/null | grep -c $'\033' || true)" "escape sequences of a record on a terminal"
same 1 "$(mqcons red | grep -c $'\033')" "the same in a pipe"

# Names are asked for by their own words; what was meant is in the message.
same 5 "$(status_of mqctl config get broker/77)" "a broker that is not there"
grep -q "no broker 77" "$work/stderr" || fail "the broker is not named"
same 8 "$(status_of mqctl topic delete many)" "a deletion without consent"
grep -q -- --yes "$work/stderr" || fail "the option that is missing is not named"
same 0 "$(status_of mqctl topic create set --set retention.ms=7 --set cleanup.policy=compact)" "topic create --set"
same "compact 7" "$(mqctl config get topic/set retention.ms cleanup.policy --no-header | cut -f 3 | xargs)" "what was set"
same 0 "$(status_of mqctl partition list --urp)" "under-replicated partitions"
same 1 "$(wc -l <"$work/stdout")" "lines of a list of none"

# How far behind, in records and in time.
echo late | mqprod g
same 1 "$(mqctl group lag readers -o jsonl | python3 -c '
import json, sys
print(sum(r["lag"] == 1 and 0 <= r["behind_ms"] < 60000 for r in map(json.loads, sys.stdin)))')" "partitions behind"
same 0 "$(status_of mqctl group lag readers --max 1h)" "less than an hour behind"
same 1 "$(status_of mqctl group lag readers --max 0)" "one record behind"

# Ctrl-C ends mqctl at once, with the status that a shell expects.
mqctl -b 127.0.0.1:1 --connect-timeout 1m topic list 2>"$work/stderr" &
child=$!
until_true 20 grep -q 'trying again' "$work/stderr"
kill -INT $child 2>/dev/null
status=0; wait $child 2>/dev/null || status=$?
same 130 $status "mqctl after Ctrl-C"

# What other tools' users type.
same 3 "$(printf 'k:1\nk:2\nl:3\n' | mqprod -b "$MQ_BROKERS" muscle -K:; mqcons -b "$MQ_BROKERS" -n 10 muscle | wc -l)" "kcat -P -K:"
same "k 1" "$(mqcons muscle -F '%k %s\n' --since 2025-01-01 | head -1)" "kcat -f"
same 31 "$(mqcons muscle -F '%{value:hex}\n' | head -1)" "rpk's formats"
same "1 2 3" "$(mqcons -0 muscle | xargs -0 echo)" "nats sub | xargs -0"
same 0 "$(status_of mqbench produce -c 1000 -s 10 -r 100k/s -w 0s bench)" "kafka-producer-perf-test"
echo "conventions hold"
