#!/usr/bin/env bash
# SIGTERM amid everything at once: records and requests of every kind, groups that come and go, topics that are made and
# deleted, and clients that never read. The stop is short, clean and leaves sound logs. In a build with ThreadSanitizer
# (check.sh --all) this is the test of the broker's threads: mqd then ends with another status than 0.
. "$(dirname "$0")/situation.sh"
load_pids=()
end_load() {
  for pid in "${load_pids[@]}"; do kill -9 -- "-$pid" 2>/dev/null || true; done
  load_pids=()
}
at_end() { end_load; grep -A 60 'ThreadSanitizer' "$work/mqd.log" 2>/dev/null | head -n 200 || true; }

# again_and_again COMMAND...: until the broker is gone. In a process group of its own, so that it ends with its children.
again_and_again() {
  setsid bash -c 'while kill -0 "$0" 2>/dev/null; do "$@"; done' "$mqd_pid" "$@" >/dev/null 2>&1 &
  load_pids+=($!)
  disown $!  # the shell need not tell that it was killed
}

# Asks for much and never reads; leaves a frame and an HTTP request unfinished.
cat >"$work/deaf.py" <<'END'
import signal, socket, struct, sys
host, port, metrics = sys.argv[1].rsplit(":", 1)[0], int(sys.argv[1].rsplit(":", 1)[1]), int(sys.argv[2])
def text(s): return struct.pack(">h", len(s)) + s.encode()
partition = struct.pack(">iqi", 0, 0, 10_000_000)
body = struct.pack(">iiiib", -1, 500, 1, 50_000_000, 0) + struct.pack(">i", 1) + text("load") + struct.pack(">i", 1) + partition
request = struct.pack(">hhi", 1, 4, 7) + text("deaf") + body
frame = struct.pack(">i", len(request)) + request
deaf = [socket.create_connection((host, port)) for _ in range(4)]
for one in deaf: one.sendall(frame * 50)
half = socket.create_connection((host, port))
half.sendall(frame[:9])
http = socket.create_connection((host, metrics))
http.sendall(b"GET /metrics HT")
print("deaf", flush=True)
signal.pause()
END

amid_load() {
  again_and_again timeout --foreground 20 mqbench rpc --connections 16 --partitions 5 -t 100s
  again_and_again timeout --foreground 20 mqbench produce --partitions 4 -s 1K -t 100s
  again_and_again timeout --foreground 20 mqbench e2e -t 100s
  again_and_again bash -c 'seq 1 20000 | timeout --foreground 20 mqprod -z zstd load'
  again_and_again bash -c 'seq 1 2000 | timeout --foreground 20 mqprod -a 0 load'
  for _ in 1 2 3; do again_and_again timeout --foreground 2 mqcons -f -g readers --reset start load; done
  again_and_again bash -c 'name=made.$RANDOM; mqctl topic create $name -p 5; seq 1 100 | timeout --foreground 5 mqprod $name; mqctl topic delete --yes $name'
  again_and_again bash -c 'mqctl config set topic/load mq.flush=async; mqctl config set topic/load mq.flush=ack; mqctl group lag; mqctl partition list'
  rm -f "$work/deaf"
  local metrics; metrics=$(sed -n 's|.*http://127.0.0.1:||p' "$work/mqd.log" | tail -n 1)
  setsid python3 "$work/deaf.py" "$MQ_BROKERS" "$metrics" >"$work/deaf" &
  load_pids+=($!)
  disown $!  # the shell need not tell that it was killed
  until_true 20 grep -qs deaf "$work/deaf"
  # Long enough for every kind of it to be under way: the readers have joined once more, topics have come and gone.
  seq 1 30000 | timeout 60 mqprod load
  until_true 60 eval '[ "$(grep -c . <(mqctl group list 2>/dev/null))" -gt 1 ]'
  until_true 60 eval 'mqctl topic list 2>/dev/null | grep -q "^made"'
}

for round in 1 2 3; do
  start_mqd --threads 3 --metrics 127.0.0.1:0
  mqctl topic create load -p 6 >/dev/null 2>&1 || true
  [ $round = 1 ] && seq 1 3000000 | mqprod -p 0 load
  amid_load
  began=$(date +%s%N)
  stop_mqd
  took_ms=$((($(date +%s%N) - began) / 1000000))
  end_load
  [ $took_ms -lt 20000 ] || fail "the stop of round $round took $took_ms ms"
  [ -e "$work/data/.kafka_cleanshutdown" ] || fail "round $round left no mark of a clean stop"
  find "$work/data" -name '*.log' -print0 | xargs -0 mqctl -q segment verify >/dev/null || fail "round $round left damaged logs"
  echo "round $round: stopped amid everything in $took_ms ms"
done
