#!/usr/bin/env bash
# Whole lives: MQ_CI_SCALE percent of the seeds that were broken once, and of 500 of one broker and 60 of two to five that nobody has
# lived before this state of lib/. `mq_sim --seeds` draws others.
set -eu
scale=${MQ_CI_SCALE:-100}
sim=$MQ_BUILD/tests/sim/mq_sim
share() { echo $((($1 * scale + 99) / 100)); }

known=$(grep -v '^#' "$(dirname "$0")/seeds.txt")
broken=0
while read -r life rules; do
  seed=${life%/*} brokers=1
  [ "$seed" = "$life" ] || brokers=${life#*/}
  told=$("$sim" --seed "$seed" --brokers "$brokers" 2>&1) && continue
  broken=1
  echo "seed $seed with --brokers $brokers, which once broke $rules:"
  tail -n 60 <<<"$told"
done < <(head -n "$(share "$(wc -l <<<"$known")")" <<<"$known")

# Fresh with each change to lib/, and the same for whoever has that state: what was seen to pass before passes again.
state=$(git -C "$(dirname "$0")" rev-parse 'HEAD:lib' 2>/dev/null) || state=1
fresh=$((16#${state:0:12}))
# What only several brokers reach counts beside what one does: a count and the place in each line.
marks=$MQ_SCRATCH/marks
for several in "2 10" "3 30" "4 12" "5 8"; do
  read -r brokers lives <<<"$several"
  "$sim" --brokers "$brokers" --from "$fresh" --seeds "$(share "$lives")" --jobs 1 --marks "$marks-$brokers" || broken=1
done
awk '{ count = $1; sub(/^[0-9]+ /, ""); counts[$0] += count } END { for (place in counts) print counts[place], place }' "$marks"-[2-5] >"$marks"
"$sim" --from "$fresh" --seeds "$(share 500)" --jobs 1 --marks-also "$marks" --marks-at-least 90 || broken=1
exit $broken
