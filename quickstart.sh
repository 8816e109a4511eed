#!/usr/bin/env bash
# From a checkout to a log that went through mq: installs what is missing, builds, starts mqd, and shows the tools. With
# --cluster it starts etcd and three brokers, and kills the one that leads while the log goes through.
set -eu
cd "$(dirname "$0")"
. scripts/packages.sh

is_cluster=
case "${1:-}" in
  "") ;;
  --cluster) is_cluster=1 ;;
  *) die "usage: $0 [--cluster]" ;;
esac

(install_packages $packages_to_build ${is_cluster:+etcd-server})
say "Building (the first time takes 4 to 6 minutes on two cores)"
mkdir -p build
cmake --preset release >build/quickstart.log 2>&1 || { cat build/quickstart.log; exit 1; }
quiet=--quiet
[ ! -t 1 ] || quiet=  # a terminal shows how far it is
ninja -C build/release $quiet tools
PATH=$PWD/build/release/bin:$PATH
if [ -n "$is_cluster" ]; then
  . scripts/quickstart_cluster.sh
  exit 0
fi

free_port() {
  local port=9092
  while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do port=$((port + 1)); done
  echo $port
}
work=$(mktemp -d)
export MQ_BROKERS=127.0.0.1:$(free_port)
show() { printf '\n$ %s\n' "$*"; bash -c "$*"; }
finish() {
  [ -z "${broker:-}" ] || { kill -TERM "$broker" 2>/dev/null && wait "$broker"; } || true
  rm -rf "$work"
}
trap finish EXIT

log=/var/log/dpkg.log
[ -r "$log" ] && [ -s "$log" ] || log=README.md

say "Starting mqd (one node, nothing to configure)"
mqd --data "$work/data" --listen "plain://$MQ_BROKERS" 2>"$work/mqd.log" &
broker=$!
answers() { mqctl cluster info -q >/dev/null 2>&1; }
for _ in $(seq 100); do ! answers || break; sleep 0.05; done
answers || { cat "$work/mqd.log" >&2; die "mqd does not answer at $MQ_BROKERS."; }

show "mqprod packages < $log"
show "mqcons -n 3 packages"
show "mqcons packages | cmp - $log && echo 'what went in came out'"
show "mqcons -g demo --reset start packages | wc -l"
show "mqctl group lag demo -o table"
show "mqctl partition list packages -o table"
show "mqctl segment dump --records '$work/data/packages-0/00000000000000000000.log' | tail -3"

say "Stopping"
kill -TERM "$broker"
wait "$broker" || { cat "$work/mqd.log" >&2; die "mqd did not stop cleanly."; }
broker=
echo "mqd stopped cleanly"

kept_in=${XDG_STATE_HOME:-$HOME/.local/state}/mqd
[ "$(id -u)" != 0 ] || kept_in=/var/lib/mqd
cat <<END

That was all of it. To go on:

  export PATH="$PWD/build/release/bin:\$PATH"
  mqd &                              # keeps its data in $kept_in
  your-program | mqprod app          # lines in
  mqcons -f app                      # lines out, as they come
  mqctl --help                       # topics, groups, offsets, segments
END
