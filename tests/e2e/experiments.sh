#!/usr/bin/env bash
# What other tools did wrong in fourteen experiments, each with the outcome a user expects. One daemon for all of them.
. "$(dirname "$0")/situation.sh"
at_end() { kill -9 $(jobs -p) 2>/dev/null || true; }

# status COMMAND...: its exit status; what it wrote is in $work/stdout and $work/stderr.
status() { local status=0; "$@" >"$work/stdout" 2>"$work/stderr" || status=$?; echo $status; }
says() { grep -qE -- "$1" "$work/stderr" || fail "it does not say '$1' but: $(cat "$work/stderr")"; }
silent() { [ ! -s "$work/stderr" ] || fail "it says: $(cat "$work/stderr")"; }
now_ms() { date +%s%3N; }
json() { python3 -c 'import base64, json, sys; [print(eval(sys.argv[1], {"r": json.loads(line), "base64": base64})) for line in sys.stdin]' "$1"; }

e1() { # a blank line is a record, and --tee copies the delimiters
  printf 'a\nb\n\nc\n' >"$work/in"
  mqprod -T e1 <"$work/in" | cmp - "$work/in" || fail "the copy differs"
  mqcons e1 | cmp - "$work/in" || fail "the records differ"
}

e2() { # NUL as the delimiter, either way to say it
  printf 'a\0b\n\0' | mqprod -d '\x00' e2
  printf 'c\0' | mqprod -0 e2
  printf 'a\0b\n\0c\0' | cmp - <(mqcons -0 e2) || fail "the records differ"
}

e3() { # JSON of any bytes is JSON, and holds them all
  printf '\xff\xfe\0bin' >"$work/in"
  mqprod -d NEVER e3 "$work/in"
  mqcons -J e3 | json 'base64.b64decode(r["value_b64"]).hex()' >"$work/hex"
  same fffe0062696e "$(cat "$work/hex")" "the bytes"
}

e4() { # an empty file is no record; of two files one that is missing is told, the other is sent
  : >"$work/empty"
  same 0 "$(status mqprod e4 "$work/empty")" "status of an empty file"
  same 0 "$(mqcons e4 | wc -l)" "records of an empty file"
  echo here >"$work/here"
  same 1 "$(status mqprod e4 "$work/missing" "$work/here")" "status with a missing file"
  says "missing: .*No such file"
  same 1 "$(status mqprod e4 "$work" "$work/here")" "status with a directory"
  says "Is a directory"
  same "$(printf 'here\nhere')" "$(mqcons e4)" "the files that were there"
}

e5() { # a reader that goes away ends it, without a word
  seq 100000 | mqprod e5
  { mqcons e5 2>"$work/stderr" || echo $? >"$work/status"; } | head -2 >/dev/null
  same 141 "$(cat "$work/status")" "status"
  silent
}

e6() { # the last five are five, by time, over all partitions
  mqctl topic create e6 -p 3 >/dev/null
  for i in 1 2 3 4 5 6 7 8; do echo "m$i" | mqprod -p $((i % 2)) e6; done
  same "m4 m5 m6 m7 m8" "$(mqcons -n 5 e6 | xargs)" "the last five"
  same "m1 m2 m3 m4 m5 m6 m7 m8" "$(mqcons e6 | xargs)" "all of them"
}

e7() { # Ctrl-C while records linger: they are sent
  mkfifo "$work/e7"
  mqctl topic create e7 >/dev/null
  mqprod --linger 1h e7 <"$work/e7" 2>"$work/stderr" &
  local producer=$! status=0
  exec 8>"$work/e7"
  printf '1\n2\n3\n' >&8
  # Its signals are its own once it answers one; before, USR1 would end it.
  ready() { grep -q "SigCgt:.*[2367abef]..$" /proc/$producer/status; }
  until_true 20 ready
  has_read() { kill -USR1 $producer; grep -q '3 records read' "$work/stderr"; }
  until_true 20 has_read
  kill -INT $producer
  wait $producer || status=$?
  exec 8>&-
  same 130 $status "status"
  says "3 records read, 3 acknowledged"
  same "1 2 3" "$(mqcons e7 | xargs)" "the records"
}

e8() { # a line without the key delimiter is an error that names it
  printf 'k:v\nno key\nl:w\n' >"$work/in"
  same 1 "$(status mqprod -K: e8 "$work/in")" "status"
  says "in: record 2 has no key delimiter"
  same "k=v" "$(mqcons -F '%k=%s\n' e8)" "what came before it"
}

e9() { # no mode is guessed, whatever standard input is
  same 2 "$(status mqprod </dev/null)" "mqprod without a topic"
  same 2 "$(status mqcons </dev/null)" "mqcons without a topic"
  same 0 "$(status mqcons e1 </dev/null)" "mqcons in cron"
  printf 'a\nb\nc\n' | while read -r line; do mqcons -c 1 e1; echo "$line"; done >"$work/loop"
  same "a a a b a c" "$(xargs <"$work/loop")" "a loop that mqcons stands in keeps its input"
}

e10() { # one record in a pipe arrives at once
  mqctl topic create e10 >/dev/null
  mqcons -f e10 >"$work/e10" &
  local reader=$!
  echo first | mqprod e10
  seen() { grep -q "$1" "$work/e10"; }
  until_true 20 seen first
  echo second | mqprod e10
  local sent; sent=$(now_ms)
  until_true 20 seen second
  local late=$(($(now_ms) - sent))
  kill $reader; wait $reader || true
  detail="${late} ms after the acknowledgement"
}

e11() { # what makes no sense is refused, and the place is marked
  local word
  for word in -ogarbage -o-1h -os@2025-01-01 -o5..x -cabc -c0 -n-1 -p1,x -p3-1 --since=yesterdayy; do
    same 2 "$(status mqcons "$word" e6)" "mqcons $word"
    says '\^'
  done
  for word in -p1,2 --linger=5 --batch=1X -r1000 -ahalf -zlz5 --retry=soon; do
    same 2 "$(status mqprod "$word" e6 </dev/null)" "mqprod $word"
    says '\^'
  done
  same "m1 m3 m5 m7" "$(mqcons -p 1,2 e6 | xargs)" "partitions 1 and 2"
}

e12() { # a broker that goes away and comes back costs nothing; --retry gives up after its time
  mkfifo "$work/e12"
  mqprod e12 <"$work/e12" 2>"$work/stderr" &
  local producer=$! status=0
  exec 8>"$work/e12"
  echo before >&8
  arrived() { [ "$(mqcons e12 2>/dev/null)" = before ]; }
  until_true 20 arrived
  kill_mqd
  echo meanwhile >&8
  said_so() { grep -q "trying again" "$work/stderr"; }
  until_true 20 said_so
  start_mqd 8>&-  # else the daemon would hold the pipe open
  exec 8>&-
  wait $producer || fail "mqprod ended with $?"
  same 1 "$(grep -c 'trying again' "$work/stderr")" "notices of one outage"
  same "before meanwhile" "$(mqcons e12 | xargs)" "the records"

  mkfifo "$work/e12b"
  mqprod --retry 1s e12b <"$work/e12b" 2>"$work/stderr" &
  producer=$!
  exec 8>"$work/e12b"
  echo before >&8
  arrived() { [ "$(mqcons e12b 2>/dev/null)" = before ]; }
  until_true 20 arrived
  kill_mqd
  echo lost >&8
  exec 8>&-
  wait $producer || status=$?
  [ $status -ne 0 ] || fail "it gave up and says that all is well"
  says "1 of 2 records were not acknowledged"
  start_mqd
  same before "$(mqcons e12b)" "what was acknowledged"
}

e13() { # a file is read to its end, whatever standard input does; so is a named pipe that opens late
  mkfifo "$work/never" "$work/e13"
  exec 8<>"$work/never"
  seq 10 >"$work/in"
  timeout 10 mqprod e13 "$work/in" <&8 || fail "it waits for its standard input"
  exec 8>&-
  mqprod e13 "$work/e13" &
  local producer=$!
  seq 11 20 >"$work/e13"
  wait $producer || fail "mqprod ended with $?"
  seq 20 | cmp - <(mqcons e13) || fail "the records differ"
}

e14() { # a million lines as fast as other programs read them, a list as fast as an interpreter starts
  took() { local start; start=$(now_ms); "$@"; echo $(($(now_ms) - start)); }
  seq -f '%0100.0f' 1000000 >"$work/in"
  local zipped produced consumed started listed
  zipped=$(took gzip -1 -k "$work/in")
  produced=$(took mqprod -z none e14 "$work/in")
  read_all() { mqcons e14 | cmp - "$work/in" || fail "the records differ"; }
  consumed=$(took read_all)
  ten_times() { for _ in 1 2 3 4 5 6 7 8 9 10; do "$@" >/dev/null; done; }
  started=$(took ten_times python3 -c pass)
  listed=$(took ten_times mqctl topic list)
  detail="produced in $produced ms, read in $consumed ms, packed by gzip in $zipped ms; ten lists in $listed ms, ten starts of Python in $started ms"
  [ $produced -lt $((10 * zipped)) ] && [ $consumed -lt $((10 * zipped)) ] && [ $listed -lt $((5 * started)) ] || fail "$detail"
}

start_mqd
for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14; do
  detail=
  "e$n"
  echo "E$n ok${detail:+: $detail}"
done
