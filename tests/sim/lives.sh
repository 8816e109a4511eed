#!/usr/bin/env bash
# Whole lives of a broker, from seeds that nobody had before: MQ_CI_SCALE percent of 500 of them.
set -eu
scale=${MQ_CI_SCALE:-100}
exec "$MQ_BUILD/tests/sim/mq_sim" --seeds $(((500 * scale + 99) / 100)) --jobs 1
