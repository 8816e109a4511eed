#!/usr/bin/env bash
# Power cuts amid a load, of one broker and of three; power_cuts.py has what is done.
exec timeout -k 20 "${MQ_TEST_SECONDS:-200}" python3 "$(dirname "$0")/power_cuts.py" "$@"
