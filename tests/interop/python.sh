#!/usr/bin/env bash
# The Python client on top of librdkafka, from PyPI into a virtual environment beside the build.
. "$(dirname "$0")/on_broker.sh"
need python3 "Python 3"
venv=$MQ_SCRATCH/venv
if ! cmp -s "$here/requirements.txt" "$venv/installed"; then
  fetched python3 -m venv "$venv"
  fetched "$venv/bin/pip" install -q -r "$here/requirements.txt"
  cp "$here/requirements.txt" "$venv/installed"
fi
on_broker
cd "$scratch"
timeout 150 "$venv/bin/python3" "$here/python_client.py" "$data" "$here/batches.py"
