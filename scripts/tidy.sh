#!/usr/bin/env bash
# scripts/tidy.sh BUILD_DIR: clang-tidy with the checks of .clang-tidy over our sources; any finding is an error.
# A file whose preprocessed text was clean before is not looked at again: clang-tidy has no cache of its own.
set -u
build=$1
seen=build/tidy-clean
mkdir -p "$seen"

check_one() {
  local build=$1 seen=$2 file=$3 key
  # The object's dependencies and the checks decide the outcome; ninja keeps the list of the former.
  key=$({ cat .clang-tidy "$file"; ninja -C "$build" -t deps "$(object_of "$build" "$file")" 2>/dev/null |
    sed -n 's/^ *//p' | grep "$PWD/lib/" | sort -u | xargs cat 2>/dev/null; } | sha256sum | cut -c1-32)
  [ -e "$seen/$key" ] && return 0
  clang-tidy-19 -p "$build" --quiet --warnings-as-errors='*' "$file" 2>/dev/null && : >"$seen/$key"
}
object_of() { # lib/log/segment.cc -> lib/log/CMakeFiles/mq_log.dir/segment.cc.o
  local folder=${2#*/}
  folder=${folder%%/*}
  echo "lib/$folder/CMakeFiles/mq_$folder.dir/${2#lib/"$folder"/}.o"
}
export -f check_one object_of

git ls-files --cached --others --exclude-standard 'lib/*.cc' |
  xargs -P "$(nproc)" -I{} bash -c 'check_one "$@"' - "$build" "$seen" {}
