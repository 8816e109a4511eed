#!/usr/bin/env bash
# scripts/tidy.sh BUILD_DIR: clang-tidy with the checks of .clang-tidy over our sources; any finding is an error.
# A file whose preprocessed text was clean before is not looked at again: clang-tidy has no cache of its own. It reads every
# file without precompiled headers, so that a file that forgot an #include is found here.
set -u
build=$1
seen=build/tidy-clean
alone=build/tidy
mkdir -p "$seen"
cmake --preset dev -B "$alone" -DMQ_PCH=OFF -DMQ_JOIN=OFF >"$seen.log" 2>&1 || { cat "$seen.log"; exit 1; }

check_one() {
  local build=$1 alone=$2 seen=$3 file=$4 sources key
  # What decides the outcome: the checks, the file and every source and header of ours that its object is made of.
  sources=$(sources_of "$build" "$file")
  [ -n "$sources" ] || { echo "$file: build it first; what it includes is not known"; return 1; }
  key=$({ echo "$file"; cat .clang-tidy $sources; } | sha256sum | cut -c1-32)
  [ -e "$seen/$key" ] && return 0
  clang-tidy-19 -p "$alone" --quiet --warnings-as-errors='*' "$file" 2>/dev/null && : >"$seen/$key"
}
sources_of() { # as ninja noted them down when it built the object, relative to the build folder
  local object
  for object in $(objects_of "$1" "$2"); do
    ninja -C "$1" -t deps "$object" 2>/dev/null | sed -n 's/^  *//p'
  done | (cd "$1" && xargs -r realpath -qe) | grep -E "^$(pwd -P)/(lib|cmd)/" | sort -u
}
objects_of() { # lib/log/segment.cc -> lib/log/CMakeFiles/mq_log.dir/segment.cc.o, or what it is joined in (mq_joined); ninja
  # knows one of them. A program's target has no mq_; a room of a folder (lib/sim/machine) has a target of its own.
  local top=${2%%/*} in_top=${2#*/}
  local folder=${in_top%%/*} target
  local room=${in_top%/*}
  [ -e "$top/$room/CMakeLists.txt" ] && folder=$room
  target=${folder//\//_}
  if [ "$top" = lib ] || [ "$folder" = tool ]; then target=mq_$target; fi
  { echo "${in_top#"$folder"/}"; cd "$1/$top/$folder" && grep -lsxF "#include \"$in_top\"" joined_*.cc; } |
    sed "s|.*|$top/$folder/CMakeFiles/$target.dir/&.o|"
}
export -f check_one sources_of objects_of

git ls-files --cached --others --exclude-standard 'lib/*.cc' 'cmd/*.cc' |
  xargs -P "$(nproc)" -I{} bash -c 'check_one "$@"' - "$build" "$alone" "$seen" {}
