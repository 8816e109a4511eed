#!/usr/bin/env bash
# A service manager opens the sockets: a client that connects before mqd runs is served once it does.
. "$(dirname "$0")/situation.sh"
cat >"$work/activate.py" <<'END'
# activate.py TCP-PORT-FILE UNIX-PATH COMMAND...: opens both sockets as systemd does, waits for the first client, becomes COMMAND.
import os, select, socket, sys
tcp = socket.create_server(("127.0.0.1", 0))
local = socket.socket(socket.AF_UNIX)
local.bind(sys.argv[2])
local.listen()
with open(sys.argv[1] + ".new", "w") as file:
    file.write(str(tcp.getsockname()[1]))
os.rename(sys.argv[1] + ".new", sys.argv[1])
select.select([tcp], [], [])
for i, s in enumerate((tcp, local)):
    os.dup2(s.fileno(), 10 + i, inheritable=False)
for i in range(2):
    os.dup2(10 + i, 3 + i)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="2", LISTEN_FDNAMES="tcp:local")
os.execvp(sys.argv[3], sys.argv[3:])
END
python3 "$work/activate.py" "$work/port" "$work/mqd.sock" mqd -D "$work/data" >"$work/mqd.log" 2>&1 &
mqd_pid=$!
until_true 20 test -s "$work/port"
export MQ_BROKERS=127.0.0.1:$(cat "$work/port")
! grep -q listening "$work/mqd.log" || fail "mqd ran before there was a client"
seq 1 100 | mqprod passed
cmp <(mqcons passed) <(seq 1 100) || fail "over TCP"
cmp <(mqcons -b "unix:$work/mqd.sock" passed) <(seq 1 100) || fail "over the unix socket"
same 2 "$(grep -c ' listening on ' "$work/mqd.log")" "listeners"
stop_mqd
[ -S "$work/mqd.sock" ] || fail "the path of a socket that belongs to the service manager is gone"

# What is passed and is no socket is told, not listened on.
status=0
LISTEN_FDS=1 bash -c 'LISTEN_PID=$$ exec mqd -D "$0/data2" 3</dev/null' "$work" 2>"$work/wrong.log" || status=$?
same 2 $status "exit status with a descriptor that is no socket"
grep -q 'descriptor 3 was passed as a socket' "$work/wrong.log" || fail "no word about the descriptor"
echo "sockets of a service manager are used"
