# Sourced after situation.sh: several mqd over one store. The script says which store in $service, etcd or zookeeper.
declare -A pids=() ports=()
store_pid=
at_end() { for pid in "${pids[@]}" $store_pid; do kill -9 "$pid" 2>/dev/null || true; done; }

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
store_port=$(free_port)
url=$service://127.0.0.1:$store_port/test
start_etcd() {
  etcd --logger zap --data-dir "$work/store" --listen-client-urls "http://127.0.0.1:$store_port" --log-level error \
    --advertise-client-urls "http://127.0.0.1:$store_port" --listen-peer-urls "http://127.0.0.1:$(free_port)" >"$work/store.log" 2>&1 &
  store_pid=$!
}
start_zookeeper() {
  printf '%s\n' "dataDir=$work/store" "clientPort=$store_port" clientPortAddress=127.0.0.1 admin.enableServer=false >"$work/zoo.cfg"
  java -cp /usr/share/java/zookeeper.jar org.apache.zookeeper.server.ZooKeeperServerMain "$work/zoo.cfg" >"$work/store.log" 2>&1 &
  store_pid=$!
}
start_"$service"

# start_member NAME [OPTION]...: returns when it is ready.
start_member() {
  local name=$1 ready=$work/ready.$1.$RANDOM line; shift
  mkfifo "$ready"
  mqd -D "$work/$name" -l "127.0.0.1:${ports[$name]:-0}" --meta "$url" --threads 1 ${session_ms:+-X mq.session.timeout.ms=$session_ms} \
    ${keep_leaders:+-X auto.leader.rebalance.enable=false} --ready-fd 7 "$@" \
    >>"$work/$name.log" 2>&1 7>"$ready" &
  pids[$name]=$!
  line=$(timeout 60 head -n 1 "$ready") || fail "$name was not ready in 60 s"
  [ -n "$line" ] || fail "$name ended before it was ready"
  ports[$name]=${line##*:}
}
kill_member() { kill -9 "${pids[$1]}"; wait "${pids[$1]}" 2>/dev/null || true; unset "pids[$1]"; }
stop_member() {
  local status=0
  kill -TERM "${pids[$1]}"; wait "${pids[$1]}" || status=$?
  unset "pids[$1]"
  same 0 $status "status of the stop of $1"
}
