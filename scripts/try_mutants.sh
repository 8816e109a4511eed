#!/usr/bin/env bash
# Breaks the program on purpose and sees that tests find it (docs/testing.md, "Mutants" and "Histories of a cluster").
#
#   scripts/try_mutants.sh                two mutants for simulated lives, which a fresh seed draws; the seed is printed
#   scripts/try_mutants.sh --seed SEED    the same two again
#   scripts/try_mutants.sh --histories    what the tests of the histories have to find
#   scripts/try_mutants.sh --all          each there is, by whatever has to find it; some 20 minutes on two cores
#   scripts/try_mutants.sh NAME...        these, likewise
#
# The lives are always the same, from seed 1 on: only what is broken is drawn. Exit status: 0 all were caught.
set -u
cd "$(dirname "$0")/.."
build=build/mutants
sim=$build/tests/sim/mq_sim
histories=tests/house/histories.py

mkdir -p "$build"
cmake --preset release -B "$build" -DMQ_MUTANTS=ON >"$build/configure.log" 2>&1 || { cat "$build/configure.log"; exit 1; }
make() { ninja -C "$build" -j "$(nproc)" --quiet "$@"; }
make mq_sim || exit 1

# Those that are found in such ways.
names() { "$sim" --list-mutants | awk -v ways=" $* " 'index(ways, " " $2 " ") { print $1 }'; }
all=false only_histories=false
case "${1:-}" in
  --all) all=true mutants=$(names lives cluster model test) ;;
  --histories) only_histories=true mutants=$(python3 "$histories" --mutants) ;;
  '' | --seed)
    seed=${2:-$RANDOM}
    echo "mutants drawn by seed $seed (scripts/try_mutants.sh --seed $seed)"
    mutants=$(names lives cluster | awk -v seed="$seed" 'BEGIN { srand(seed) } { print rand(), $0 }' | LC_ALL=C sort -n | sed -n '1,2s/.* //p')
    ;;
  -*) sed -n '2,11s/^# \{0,1\}//p' "$0"; exit 2 ;;
  *) mutants=$* ;;
esac

missed=""
# Each test that docs/testing.md names for it fails with the mutant, and only with it.
try_tests() {
  local program filter result=0
  while read -r program filter; do
    make "$program" || exit 1
    local run=("$(find "$build/tests" -name "$program" -type f)" --gtest_brief=1 "--gtest_filter=$filter")
    if ! "${run[@]}" >"$build/history.log" 2>&1 || ! grep -q 'PASSED  \] [1-9]' "$build/history.log"; then
      echo "$1: $program $filter fails without it, too, or is not there"
      result=1
    elif MQ_MUTANT=$1 timeout 300 "${run[@]}" >"$build/history.log" 2>&1; then
      echo "$1: NOT CAUGHT by $program $filter"
      result=1
    else
      echo "$1: caught by $program $filter"
    fi
  done < <(python3 "$histories" --tests "$1")
  return $result
}
way_of() { "$sim" --list-mutants | awk -v name="$1" '$1 == name { print $2 }'; }
try_lives() {
  case $(way_of "$1") in
    lives) "$sim" --mutant "$1" --from 1 --seeds 600 --no-shrink ;;
    cluster) "$sim" --mutant "$1" --brokers 3 --from 1 --seeds 300 --no-shrink ;;
    model)
      $all && return 0  # all of them at once, below
      make mq_small_model || exit 1
      ! "$build/tests/model/mq_small_model" --mutant "$1"
      ;;
  esac
}
for mutant in $mutants; do
  try_tests "$mutant" || missed="$missed $mutant"
  $only_histories || try_lives "$mutant" || missed="$missed $mutant"
done
if $all; then
  make model_test || exit 1
  "$build/tests/model/model_test" --gtest_brief=1 || missed="$missed of-the-model"
fi
[ -z "$missed" ] && exit 0
echo "not caught:$missed"
exit 1
