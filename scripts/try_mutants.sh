#!/usr/bin/env bash
# Breaks the program on purpose and sees that simulated lives find it (docs/testing.md, "Mutants").
#
#   scripts/try_mutants.sh                two mutants that a fresh seed draws; the seed is printed
#   scripts/try_mutants.sh --seed SEED    the same two again
#   scripts/try_mutants.sh --all          each there is, those that the small model finds too; some 6 minutes on two cores
#   scripts/try_mutants.sh NAME...        these
#
# The lives are always the same, seeds 1 to 600: only what is broken is drawn. Exit status: 0 all were caught.
set -u
cd "$(dirname "$0")/.."
build=build/mutants
sim=$build/tests/sim/mq_sim

mkdir -p "$build"
cmake --preset release -B "$build" -DMQ_MUTANTS=ON >"$build/configure.log" 2>&1 || { cat "$build/configure.log"; exit 1; }
ninja -C "$build" -j "$(nproc)" --quiet mq_sim || exit 1

names() { "$sim" --list-mutants | cut -d' ' -f1; }
case "${1:-}" in
  --all) mutants=$(names) ;;
  '' | --seed)
    seed=${2:-$RANDOM}
    echo "mutants drawn by seed $seed (scripts/try_mutants.sh --seed $seed)"
    mutants=$(names | awk -v seed="$seed" 'BEGIN { srand(seed) } { print rand(), $0 }' | LC_ALL=C sort -n | sed -n '1,2s/.* //p')
    ;;
  -*) sed -n '2,10s/^# \{0,1\}//p' "$0"; exit 2 ;;
  *) mutants=$* ;;
esac

missed=""
if [ "${1:-}" = --all ]; then
  ninja -C "$build" -j "$(nproc)" --quiet model_test || exit 1
  "$build/tests/model/model_test" --gtest_brief=1 || missed=" of-the-model"
fi
for mutant in $mutants; do
  "$sim" --mutant "$mutant" --from 1 --seeds 600 --no-shrink || missed="$missed $mutant"
done
[ -z "$missed" ] && exit 0
echo "not caught:$missed"
exit 1
