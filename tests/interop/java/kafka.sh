# Sourced after jars.sh: a Kafka broker of one node, with its files in the current folder.
need python3 "Python"

# start_kafka [NAME=VALUE]...: starts one on free ports, with these settings too, and waits until it answers. $kafka is its
# process, $kafka_address where it listens; its log is server.out, its data in logs.
start_kafka() {
  local port controller_port
  read -r port controller_port < <(python3 -c '
import socket
sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
print(*(s.getsockname()[1] for s in sockets))')
  kafka_address=127.0.0.1:$port
  cat >server.properties <<P
process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://$kafka_address,CONTROLLER://127.0.0.1:$controller_port
controller.listener.names=CONTROLLER
controller.quorum.bootstrap.servers=127.0.0.1:$controller_port
log.dirs=$PWD/logs
offsets.topic.num.partitions=2
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=2
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
P
  [ $# -eq 0 ] || printf '%s\n' "$@" >>server.properties
  java_tool kafka.tools.StorageTool format --standalone -t "$(java_tool kafka.tools.StorageTool random-uuid)" -c server.properties >format.out
  java "${java_options[@]}" -cp "$jars/*" kafka.Kafka server.properties >server.out 2>&1 &
  kafka=$!
  trap 'kill -9 $kafka 2>/dev/null || true' EXIT
  until_true 60 kafka_answers
}

kafka_answers() { kill -0 "$kafka" || { cat server.out; fail "Kafka ended"; }; (exec 3<>"/dev/tcp/${kafka_address/://}") 2>/dev/null; }

# stop_kafka: and waits until it has.
stop_kafka() {
  kill -TERM "$kafka"
  wait "$kafka" || true  # it ends with 143
}
