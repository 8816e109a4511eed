#!/usr/bin/env bash
# mqprod with input as it comes: files and pipes, bytes of every kind, keys, limits, rates, a copy to standard output.
. "$(dirname "$0")/situation.sh"
at_end() { kill -9 $(jobs -p) 2>/dev/null || true; }

# status COMMAND...: its exit status; what it wrote is in $work/stdout and $work/stderr.
status() { local status=0; "$@" >"$work/stdout" 2>"$work/stderr" || status=$?; echo $status; }
says() { grep -qE -- "$1" "$work/stderr" || fail "it does not say '$1' but: $(cat "$work/stderr")"; }
start_mqd

# Bytes stay as they are: NUL, carriage returns, no newline at the end, delimiters of several bytes, nothing at all.
printf 'a\0b\nc\r\n\nlast' >"$work/in"
mqprod bytes "$work/in"
printf 'a\0b\nc\r\n\nlast\n' | cmp - <(mqcons bytes) || fail "the bytes changed"
printf 'one::two:::three::' | mqprod -d :: delimited
same "one two :three" "$(mqcons delimited | xargs)" "a delimiter of two bytes"
mqprod bytes </dev/null
same 4 "$(mqcons bytes | wc -l)" "records after an empty input"

# Files one after the other, standard input among them, and options behind operands.
echo 1 >"$work/1"; echo 3 >"$work/3"
echo 2 | mqprod files "$work/1" - "$work/3" --linger 1ms
same "1 2 3" "$(mqcons files | xargs)" "files and standard input"
mqprod files -- "$work/1" <"$work/3"
same "1 2 3 1" "$(mqcons files | xargs)" "standard input is not read when there are files"

# Keys: of any bytes, empty ones, one for all; two ways to give it are one too many.
printf '\xff\0k=v\n=empty key\nempty value=\na=b=c\n' | mqprod -K= keys
printf '\xff\0k|v\n|empty key\nempty value|\na|b=c\n' | cmp - <(mqcons -K '|' keys) || fail "keys changed"
mqctl topic create keyed -p 8 >/dev/null
seq 100 | mqprod -k same keyed
same 1 "$(mqcons -F '%p\n' keyed | sort -u | wc -l)" "partitions of one key"
same 2 "$(status mqprod -k a -K: keys "$work/in")" "two kinds of key"

# Too long: the limit and the place are named, what came before is sent, memory stays small.
{ echo short; head -c 100000000 /dev/zero; } >"$work/long"
same 1 "$(status mqprod long "$work/long")" "a line of 100 MB"
says "long: record 2 is longer than --max-record 1M"
same short "$(mqcons long)" "what came before it"
head -c 3000000 "$(command -v mqprod)" >"$work/big"
same 1 "$(status mqprod -z none -d NEVER --max-record 4M big "$work/big")" "more than the topic takes"
says "max.message.bytes"
mqctl config set topic/big max.message.bytes=8000000 >/dev/null
mqprod -z none -d NEVER --max-record 4M big "$work/big"
cmp <(mqcons big) <(cat "$work/big"; echo) || fail "a large record changed"

# Records at fault are named, the first ten of them, and it is said how many there were.
mqctl topic create compacted -p 1 --compact >/dev/null
same 1 "$(status mqprod --linger 1s compacted < <(seq 12))" "records without the key that they need"
for number in 1 2 10; do says "no key, which a compacted topic needs \\(record $number\\)"; done
same 11 "$(wc -l <"$work/stderr")" "messages"
says "12 of 12 records were not acknowledged"
seq 3 | mqprod -k same compacted
same "1 2 3" "$(mqcons compacted | xargs)" "what came with a key"

# A rate is kept, to the record.
start=$(date +%s%3N)
seq 300 | mqprod -r 200/s rate
took=$(($(date +%s%3N) - start))
[ $took -ge 1400 ] && [ $took -lt 20000 ] || fail "300 records at 200/s took $took ms"
# Ctrl-C does not wait for the next record's turn.
seq 10 >"$work/ten"
mqprod -r 1/h rate "$work/ten" 2>/dev/null &
producer=$!
until_true 20 grep -q 'SigCgt:.*[2367abef]..$' /proc/$producer/status
read_two() { [ "$(mqcons rate | wc -l)" -gt 300 ]; }
until_true 20 read_two
kill -INT $producer
waited=$SECONDS status=0
wait $producer || status=$?
same 130 $status "status"
[ $((SECONDS - waited)) -lt 10 ] || fail "Ctrl-C had to wait"

# --tee: the reader of the copy may go; sending goes on and says so once.
seq 100000 >"$work/many"
mqprod -T teed "$work/many" 2>"$work/stderr" | head -1 >/dev/null
says "the copy to standard output ends, sending goes on"
same 1 "$(wc -l <"$work/stderr")" "messages"
cmp "$work/many" <(mqcons teed) || fail "records were lost with the copy"

# Every codec and every kind of acknowledgement.
for codec in none gzip:9 snappy lz4 zstd:3; do
  for acks in all 1 0; do mqprod -z $codec -a $acks "codec-${codec%:*}-$acks" "$work/many"; done
  for acks in all 1; do cmp "$work/many" <(mqcons "codec-${codec%:*}-$acks") || fail "$codec with acks $acks"; done
done

# One attempt is enough for a broker that is well.
mqprod --retry 0 once "$work/many"
cmp "$work/many" <(mqcons once) || fail "one attempt"

# Standard streams that are closed are told, never used for a file of ours.
same 1 "$(status mqprod closed <&-)" "a closed standard input"
says "standard input"
same 0 "$(status mqprod closed "$work/1" <&-)" "a closed standard input that nobody needs"

# No broker: at the start it is told after --connect-timeout; Ctrl-C does not wait for that.
same 3 "$(status mqprod -b 127.0.0.1:1 --connect-timeout 300ms away "$work/1")" "no broker"
says "no broker answered in time"
mqprod -b 127.0.0.1:1 --connect-timeout 1m away "$work/1" 2>"$work/stderr" &
producer=$!
until_true 20 grep -q 'trying again' "$work/stderr"
kill -TERM $producer
waited=$SECONDS status=0
wait $producer || status=$?
same 143 $status "status"
[ $((SECONDS - waited)) -lt 10 ] || fail "SIGTERM had to wait"
echo "mqprod takes what comes"
