#!/usr/bin/env bash
# in_lab.sh NAME BIN: runs NAME.py of this folder as root of namespaces of its own for mounts and processes: nobody else keeps its
# disks open, and all of it goes away with it, however it ends. MQ_TEST_SECONDS is its limit, for longer runs than those of CI.
[ "$(id -u)" = 0 ] || { echo "disks and machines of its own take root"; exit 77; }
exec timeout -k 20 "${MQ_TEST_SECONDS:-200}" unshare --mount --propagation private --pid --fork --kill-child --mount-proc \
  python3 -B "$(dirname "$0")/$1.py" "${@:2}"
