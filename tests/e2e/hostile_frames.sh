#!/usr/bin/env bash
# What a stranger can send to a running mqd: it lives, stays small, and goes on answering others.
. "$(dirname "$0")/situation.sh"
ulimit -n "$(ulimit -Hn)"
# Messages of 2 MiB, so that 100 MB behind one are within what is allowed.
start_mqd -X num.partitions=3 -X message.max.bytes=2097152
python3 "$(dirname "$0")/hostile_frames.py" "$port" "$mqd_pid" ${2:+"$2"}
stop_mqd
