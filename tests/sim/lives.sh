#!/usr/bin/env bash
# Whole lives of a broker: MQ_CI_SCALE percent of 500 seeds, the same in every run. `mq_sim --seeds` draws others.
set -eu
scale=${MQ_CI_SCALE:-100}
exec "$MQ_BUILD/tests/sim/mq_sim" --from 1 --seeds $(((500 * scale + 99) / 100)) --jobs 1 --marks-at-least 90
