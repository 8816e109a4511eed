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
echo "conventions hold"
