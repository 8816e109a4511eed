#!/usr/bin/env bash
# SIGTERM at any moment after a start that has thousands of groups to load: the stop is clean, and nothing is lost.
. "$(dirname "$0")/situation.sh"
groups=4000
rounds=60

# Commits for each group, or looks what each has committed.
cat >"$work/groups.py" <<'END'
import socket, struct, sys, time
what, (host, port), count = sys.argv[1], sys.argv[2].rsplit(":", 1), int(sys.argv[3])
peer = socket.create_connection((host, int(port)))
replies = peer.makefile("rb")
def text(s): return struct.pack(">h", len(s)) + s.encode()
def send(key, version, body):
    request = struct.pack(">hhi", key, version, 1) + text("groups") + body
    peer.sendall(struct.pack(">i", len(request)) + request)
def receive(): return replies.read(struct.unpack(">i", replies.read(4))[0])
def committed(i): return i % 7 + 1
def commit(i):
    partition = struct.pack(">iq", 0, committed(i)) + text("t" * 2000)
    body = text(f"group-{i}") + struct.pack(">i", -1) + text("") + struct.pack(">q", -1)
    send(8, 2, body + struct.pack(">i", 1) + text("read") + struct.pack(">i", 1) + partition)
def fetch(i): send(9, 2, text(f"group-{i}") + struct.pack(">i", 1) + text("read") + struct.pack(">ii", 1, 0))
def error(answer): return struct.unpack(">h", answer[-2:])[0]
def offset(answer): return struct.unpack(">q", answer[4 + 4 + 6 + 4 + 4:][:8])[0]
send(10, 0, text("group-0"))  # FindCoordinator makes __consumer_offsets
receive()
ask = commit if what == "commit" else fetch
for first in range(0, count, 50):
    some = range(first, min(count, first + 50))
    while some:
        for i in some: ask(i)
        answers = {i: receive() for i in some}
        for i in some:
            if error(answers[i]) not in (0, 14, 15, 16): sys.exit(f"{what} of group {i}: error {error(answers[i])}")
            if what == "check" and error(answers[i]) == 0 and offset(answers[i]) != committed(i):
                sys.exit(f"group {i} has {offset(answers[i])} instead of {committed(i)}")
        some = [i for i in some if error(answers[i]) != 0]
        if some: time.sleep(0.05)  # groups load
END

start_mqd --threads 3
seq 1 10 | mqprod -p 0 read
python3 "$work/groups.py" commit "$MQ_BROKERS" $groups
stop_mqd
for round in $(seq 1 $rounds); do
  start_mqd --threads 3
  # From before the first group is there until after the last one.
  sleep "0.$(printf '%03d' $((RANDOM % (round % 3 ? 8 : 300))))"
  stop_mqd
  [ -e "$work/data/.kafka_cleanshutdown" ] || fail "the stop of round $round left no mark of a clean one"
done
start_mqd --threads 3
python3 "$work/groups.py" check "$MQ_BROKERS" $groups
stop_mqd
echo "$rounds stops amid the load of $groups groups: all clean, nothing lost"
