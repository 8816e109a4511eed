#!/usr/bin/env bash
# Where mqd listens and what it tells clients: IPv6, every address, and spellings that could mean two things.
. "$(dirname "$0")/situation.sh"
status() { local status=0; "$@" >"$work/stdout" 2>"$work/stderr" </dev/null || status=$?; echo $status; }
says() { grep -qF -- "$1" "$work/stderr" || fail "it does not say '$1' but: $(cat "$work/stderr")"; }
checks() { status mqd -D "$work/none" --check-config "$@"; }
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# What is ambiguous is refused before anything is done, with the spelling that is meant.
same 2 "$(checks -l ::1)"; says "IPv6 stands in brackets; write [::1]:PORT"
same 2 "$(checks -l ::1:9092)"; says "write [::1:9092]:PORT, or [::1]:9092 if that is the port"
same 2 "$(checks --metrics ::1)"; says "[::1]:PORT"
same 2 "$(checks -X listeners=PLAINTEXT://2001:db8::7)"; says "[2001:db8::7]:PORT"
same 2 "$(checks --advertise 2001:db8::7)"; says "--advertise '2001:db8::7': IPv6 stands in brackets; write [2001:db8::7]:PORT"
same 2 "$(checks -l P://:9092 -X advertised.listeners=P://2001:db8::7)"; says "advertised.listeners '2001:db8::7': IPv6 stands in"
same 2 "$(checks --advertise '*:9092')"; says "* is for listening only"
same 2 "$(checks --advertise 0.0.0.0)"; says "is no address to connect to"
same 2 "$(checks --advertise '[::]:9092')"; says "is no address to connect to"
same 2 "$(checks --advertise '[fe80::1%eth0]')"; says "on this machine only"
same 2 "$(checks --advertise unix:/s)"; says "unix socket"
same 2 "$(checks -l host)"; says "'host' has no port; write host:PORT"
same 2 "$(checks -l host:)"; says "the port is missing behind the colon"
same 2 "$(checks -l host:65536)"; says "'65536' is not a port (0 to 65535)"
for good in host:0 '*:9092' :9092 '[::]:9092' '[::ffff:10.0.0.1]:1' '[fe80::1%eth0]:1' 'PLAINTEXT://[2001:db8::7]:9092'; do
  same 0 "$(checks -l "$good")" "listening on $good"
done
same 2 "$(status mqctl -b ::1 topic list)"; says "'::1': IPv6 stands in brackets; write [::1]:PORT"
same 2 "$(MQ_BROKERS='a,,b' status mqctl topic list)"; says "the host is missing"

# Lists of brokers take blanks, from wherever they come.
start_mqd
for list in "127.0.0.1:1, $MQ_BROKERS" " $MQ_BROKERS ,127.0.0.1:1 "; do
  same 0 "$(status mqctl -b "$list" topic list)" "-b '$list'"
  same 0 "$(MQ_BROKERS=$list status mqctl topic list)" "MQ_BROKERS='$list'"
  same 0 "$(status mqctl -X "bootstrap.servers=$list" topic list)" "bootstrap.servers=$list"
done
stop_mqd

python3 -c 'import socket; socket.socket(socket.AF_INET6).bind(("::1", 0))' 2>/dev/null ||
  { echo "skipped from here on: this machine has no ::1"; exit 77; }

# speaks WHERE: a record written and read with WHERE as the bootstrap; what follows goes to the address that mqd tells.
speaks() { same "to $1" "$(echo "to $1" | mqprod -b "$1" t && mqcons -b "$1" -n 1 t)" "through $1"; }
# listens OPTION...: mqd on a port of its own, in $at.
listens() {
  local ready; ready=$(mktemp -u "$work/ready.XXXXXX"); mkfifo "$ready"
  mqd -D "$work/data" --ready-fd 7 "$@" >>"$work/mqd.log" 2>&1 7>"$ready" &
  mqd_pid=$!
  local line; line=$(timeout 20 head -n 1 "$ready"); at=${line##*:}
  [ -n "$at" ] || fail "mqd did not start with $*"
}
told() { mqctl -b "127.0.0.1:$at" cluster info --no-header 2>/dev/null || mqctl -b "[::1]:$at" cluster info --no-header; }

listens -l '[::1]:0'
speaks "[::1]:$at"
stop_mqd
for every in '*:0' ':0' '[::]:0' 'PLAINTEXT://:0'; do
  listens -l "$every"
  speaks "127.0.0.1:$at"
  speaks "[::1]:$at"
  stop_mqd
done
# Clients come through IPv4 and are sent to IPv6.
port=$(free_port)
listens -l "*:$port" --advertise "[::1]:$port"
speaks "127.0.0.1:$port"
told | grep -q '\[::1\]\|::1' || fail "clients are told $(told)"
! told | grep -q '\[\[' || fail "clients are told $(told)"
stop_mqd
listens -l "P://*:0" -X 'advertised.listeners=P://[0:0::1]'
speaks "127.0.0.1:$at"
stop_mqd
echo "addresses mean what they say"
