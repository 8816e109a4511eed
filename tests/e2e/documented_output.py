#!/usr/bin/env python3
"""documented_output.py: what mqctl and mqbench print as JSON are the columns and fields of their help, in their order.

The tools are in PATH, a broker at $MQ_BROKERS; the first argument is a partition's directory of another one."""

import fnmatch
import json
import subprocess
import sys

COMMANDS = [
    "mqctl topic create seen -o json",
    "mqctl topic list -o json",
    "mqctl topic describe seen -o json",
    "mqctl topic delete -n seen -o json",
    "mqctl partition list seen -o json",
    "mqctl group list -o json",
    "mqctl group describe readers -o json",
    "mqctl group lag readers -o json",
    "mqctl group reset readers --to start -n -o json",
    "mqctl config get topic/seen -o json",
    "mqctl config set topic/seen retention.ms=5 -n -o json",
    "mqctl config diff topic/seen broker/1 -o json",
    "mqctl segment list FILES -o json",
    "mqctl segment dump --batches FILES --output json",
    "mqctl segment dump --records FILES --output json",
    "mqctl cluster info -o json",
    "mqctl cluster health -o json",
    "mqctl broker list -o json",
    "mqctl topic alter seen --replicas 1 -n -o json",
    "mqctl topic alter seen --partitions 7 -n -o json",
    "mqctl partition elect seen/0 -o json",
    "mqctl partition move seen/0 1 -n -o json",
    "mqctl why partition seen/0 -o json",
    "mqbench produce -w 100ms -t 200ms --broker-pid 1 --json",
    "mqbench produce -r 1000/s -w 100ms -t 200ms --json",
    "mqbench consume --backlog 1M -w 100ms -t 200ms --json",
    "mqbench e2e -w 100ms -t 200ms --json",
    "mqbench rpc -w 100ms -t 200ms --json",
    "mqbench verify -c 1000 --json",
    "mqbench limit -d . --json",
]


def documented(words):
    """The names that the help gives for what these words print."""
    rows = json.loads(subprocess.run([words[0], "--help-json"], check=True, capture_output=True).stdout)
    command = next(row for row in rows["commands"] if " ".join(words[1:]).startswith(row["name"]))
    output = next(output for output in command["outputs"] if output["when"] in (None, *words))
    return [column["name"] for column in output["columns"]]


def in_order(names, patterns):
    """Each name is one of the patterns; those that are left out do not matter."""
    rest = iter(patterns)
    pattern = next(rest)
    for name in names:
        while not fnmatch.fnmatchcase(name, pattern):
            pattern = next(rest, None)
            if pattern is None:
                return False
    return True


def main():
    failed = False
    for line in COMMANDS:
        words = line.split()
        run = subprocess.run([sys.argv[1] if word == "FILES" else word for word in words], capture_output=True, text=True)
        printed = json.loads(run.stdout or "null")
        rows = printed if isinstance(printed, list) else [printed]
        names = documented(words)
        for row in rows:
            whole = words[0] == "mqbench" or list(row) == names
            if not row or not whole or not in_order(row, names):
                print(f"{line} prints {list(row or [])}, its help has {names}; {run.stderr}")
                failed = True
        failed |= not rows or run.returncode != 0
        if not rows or run.returncode != 0:
            print(f"{line}: status {run.returncode}, {run.stdout}{run.stderr}")
    return failed


sys.exit(main())
