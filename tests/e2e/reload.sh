#!/usr/bin/env bash
# SIGHUP: what may change while mqd runs changes, what may not is named, a file with a mistake changes nothing.
. "$(dirname "$0")/situation.sh"
. "$(dirname "$0")/scrape.sh"
conf=$work/mqd.conf
cat >"$conf" <<'END'
log.retention.ms = 86400000
num.partitions = 2
END
start_mqd -c "$conf" --metrics 127.0.0.1:0
seq 1 3 | mqprod before
of_topic() { mqctl config get "topic/$1" "$2" --no-header | cut -f 3; }
of_broker() { mqctl config get broker/1 "$1" --no-header | cut -f 3; }
lines() { grep -c "$1" "$work/mqd.log" || true; }
same 86400000 "$(of_topic before retention.ms)" "retention before"

# reload TEXT: the file becomes TEXT, mqd reads it and says so.
reload() {
  local before; before=$(lines 'SIGHUP: \(took over\|nothing\|.*nothing was changed\)')
  printf '%s\n' "$1" >"$conf"
  kill -HUP "$mqd_pid"
  said() { [ "$(lines 'SIGHUP: \(took over\|nothing\|.*nothing was changed\)')" -gt "$before" ]; }
  until_true 20 said
}

reload 'log.retention.ms = 3600000
num.partitions = 3
mq.log.level = debug
node.id = 7
queued.max.request.bytes = 300000000
mq.flush = async'
same 3600000 "$(of_topic before retention.ms)" "retention of a topic that was there"
same async "$(of_topic before mq.flush)" "flush of a topic that was there"
same 3 "$(of_broker num.partitions)" "partitions"
same 1 "$(of_broker node.id)" "the node's id, until a restart"
echo one | mqprod after
same 3 "$(mqctl partition list after -o tsv --no-header | wc -l)" "partitions of a new topic"
same 1 "$(lines 'SIGHUP: only a restart takes over node.id, queued.max.request.bytes$')" "one warning for what stays"
same 1 "$(lines 'SIGHUP: took over log.retention.ms, mq.flush, mq.log.level, num.partitions$')" "what was taken over"
same 1 "$(lines 'a power cut loses (mq.flush=async)')" "which flush is in force, in words"

reload 'log.retention.ms = 60000
num.partitons = 9'
same 1 "$(lines "SIGHUP: $conf:2: .*num.partitions.*; nothing was changed")" "why nothing was changed"
same 3600000 "$(of_topic before retention.ms)" "retention after a mistake"
reload 'log.retention.ms = soon'
same 3600000 "$(of_topic before retention.ms)" "retention after a second mistake"
reload 'socket.request.max.bytes = 2000000000'
same 3 "$(of_broker num.partitions)" "nothing of a file whose values do not go together"

reload 'max.connections = 7'
same 604800000 "$(of_topic before retention.ms)" "the default again, when the file does not say"
same 7 "$(of_broker max.connections)" "the limit of connections"
reload 'max.connections = 7'
same 1 "$(lines 'SIGHUP: nothing changed$')" "the same file again"
same 3 "$(metric 'mq_config_reloads_total{outcome="ok"}')" "reloads"
same 3 "$(metric 'mq_config_reloads_total{outcome="failed"}')" "reloads that failed"
same "$(seq 1 3)" "$(mqcons before | sort)" "records, after all that"

# What is set with mqctl counts before the file, which is read and waits.
mqctl config set cluster num.partitions=5 mq.log.level=error >/dev/null
same 5 "$(of_broker num.partitions)" "what was set for all"
warnings=$(lines 'SIGHUP: only a restart takes over')
printf 'num.partitions = 6\nnode.id = 7\n' >"$conf"
taken=$(metric 'mq_config_reloads_total{outcome="ok"}')
kill -HUP "$mqd_pid"
until_true 20 is_metric 'mq_config_reloads_total{outcome="ok"}' $((taken + 1))
same 5 "$(of_broker num.partitions)" "what was set for all, after a reload"
same "$warnings" "$(lines 'SIGHUP: only a restart takes over')" "warnings that the level leaves out"
sed -i '/node.id/d' "$conf"
kill_mqd
start_mqd -c "$conf"
same 5 "$(of_broker num.partitions)" "what was set for all, after kill -9"
mqctl config set cluster --unset num.partitions --unset mq.log.level >/dev/null
same 6 "$(of_broker num.partitions)" "what the file says, when nothing is set"
stop_mqd
echo "SIGHUP takes over what may change"
