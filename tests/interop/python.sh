#!/usr/bin/env bash
# The Python client on top of librdkafka, from PyPI into a virtual environment beside the build.
. "$(dirname "$0")/on_broker.sh"
python_with "$here/requirements.txt"
on_broker
cd "$scratch"
timeout 150 "$python" "$here/python_client.py" "$data" "$here/batches.py"
