#!/usr/bin/env bash
# Clients that are told an IPv6 address: librdkafka (kcat), kafka-python and aiokafka, the latter two from PyPI.
. "$(dirname "$0")/on_broker.sh"
python3 -c 'import socket; socket.socket(socket.AF_INET6).bind(("::1", 0))' || { echo "skipped: this machine has no ::1"; exit 77; }
python_with "$here/pure_python/requirements.txt"
on_broker -l '*:0' --advertise '[::1]'
cd "$scratch"
for bootstrap in "127.0.0.1:${MQ_BROKERS##*:}" "[::1]:${MQ_BROKERS##*:}"; do
  timeout 60 "$python" "$here/pure_python/ipv6.py" "$bootstrap"
  timeout 60 kcat -b "$bootstrap" -L >metadata
  grep -q " at ::1:${MQ_BROKERS##*:} " metadata || fail "kcat was told: $(cat metadata)"  # it writes no brackets of its own
  echo kcat | timeout 60 kcat -P -b "$bootstrap" -t kcat
  timeout 60 kcat -C -q -b "$bootstrap" -t kcat -o -1 -e | grep -qx kcat || fail "kcat reads something else"
done
echo "told an IPv6 address: ok"
