#!/usr/bin/env bash
# random_lives.sh [COUNT]: lives of logs, groups and whole brokers from COUNT (20,000) seeds each that no run before had,
# on the release build, whose assertions are on. Takes about an hour on two cores. Prints the seeds that failed;
# MQ_SEEDS=SEED:1 and the test's name bring one back.
set -eu
cd "$(dirname "$0")/.."
count=${1:-20000}
cores=$(nproc)
each=$(((count + cores - 1) / cores))
lives="log:LogLife.* group:RandomLives.* sim:BrokerFaults.*:*BrokerCrashes*:*TopicCrashes*:*Stop.*"

cmake --preset release >/dev/null
ninja -C build/release --quiet log_test group_test sim_test
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
failed=0
for life in $lives; do
  folder=${life%%:*} tests=${life#*:}
  first=$(($(od -An -N5 -tu8 /dev/urandom) + 1000000))
  began=$SECONDS
  for ((core = 0; core < cores; core++)); do
    MQ_SEEDS=$((first + core * each)):$each "build/release/tests/$folder/${folder}_test" \
      --gtest_filter="$tests" --gtest_brief=1 >"$results/$core" 2>&1 && : >"$results/$core.passed" &
  done
  wait
  for ((core = 0; core < cores; core++)); do
    [ -e "$results/$core.passed" ] || { failed=1; tail -n 60 "$results/$core"; }
  done
  rm -f "$results"/*
  echo "$folder: seeds $first to $((first + cores * each - 1)), $((SECONDS - began)) s"
done
exit $failed
