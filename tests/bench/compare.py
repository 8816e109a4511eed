#!/usr/bin/env python3
"""compare.py MQBENCH MQ_ADDRESS MQ_PID OTHER_ADDRESS OTHER_PID [ROUNDS [mqd]]: mqd and another broker under the same
load. With `mqd` at the end the other is an mqd too, of another build, and gets the same settings.

Start both just before. mqbench is the client of both, one after the other within each round, so that what a noisy
machine does meets both; who is first changes from round to round. Prints for each load the first round, in which a
broker that is compiled while it runs still is what it is after every restart, and the medians of the ROUNDS (default 4)
after it, with the ratio. Topics are made with mq.flush=async on mqd, which is what Kafka's defaults do; the line "rpc
synced" has mq.flush=ack against flush.messages=1. Prints figures, judges nothing. Takes about three minutes a round.

A virtual machine that gives freed memory back to its host pays for the first write into a page, more than a broker costs.
mqd frees the pages of a deleted topic at once and Kafka after a minute, so whoever came after mqd would be given what
mqd had to pay for. Hence a large file is written and deleted before each run that moves many bytes.
"""

import json
import statistics
import subprocess
import sys
import tempfile

EVEN_MIB = 5000  # about what is written in a run
ASYNC = "mq.flush=async"
SYNCED = "mq.flush=ack"

# What to run, the setting of the topic on mqd and on the other, and the figures to print: name, unit, more is better.
RATE = ("records_per_s", "rec/s", True)
BYTES = ("mb_per_s", "MB/s", True)
CPU_RECORD = ("broker_cpu_us_per_record", "us CPU a record", False)
CPU_GB = ("broker_cpu_s_per_gb", "s CPU a GB", False)
P50 = ("latency_p50_us", "us p50", False)
P99 = ("latency_p99_us", "us p99", False)
RESPONSE_P50 = ("response_p50_us", "us p50", False)
RESPONSE_P99 = ("response_p99_us", "us p99", False)
LOADS = [
    ("rpc, 16 connections", "rpc --connections 16 -t 4s", ASYNC, None, [RATE, P50, CPU_RECORD]),
    ("rpc, 1 connection", "rpc --connections 1 -t 4s", ASYNC, None, [P50, P99, CPU_RECORD]),
    ("rpc synced, 16 connections", "rpc --connections 16 -t 4s", SYNCED, "flush.messages=1", [RATE, P50, CPU_RECORD]),
    ("produce 100 B", "produce -s 100 -t 5s", ASYNC, None, [BYTES, CPU_GB]),
    ("produce 1 KiB", "produce -s 1K -t 5s", ASYNC, None, [BYTES, CPU_GB]),
    ("consume 100 B", "consume -s 100 -t 5s", ASYNC, None, [BYTES, CPU_GB]),
    ("consume 1 KiB", "consume -s 1K -t 5s", ASYNC, None, [BYTES, CPU_GB]),
    ("end to end, 5000/s, acks=1", "e2e -r 5000/s -a 1 -t 5s", ASYNC, None, [RESPONSE_P50, RESPONSE_P99]),
]


def even_memory():
    """Both begin with the pages that a file has just freed."""
    with tempfile.TemporaryFile() as file:
        for _ in range(EVEN_MIB):
            file.write(bytes(1 << 20))


def measure(mqbench, load, address, pid, config):
    if load.startswith(("produce", "consume")):
        even_memory()
    command = [mqbench, *load.split(), "-w", "2s", "-b", address, "--broker-pid", pid, "--json", "-q"]
    if config:
        command += ["--topic-config", config]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120)
    if run.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {run.returncode}: {run.stderr}")
    return json.loads(run.stdout)


def show(name, figure, unit, more_is_better, when, ours, others):
    mq, them = (statistics.median(run[figure] for run in runs) for runs in (ours, others))
    ratio = mq / them if more_is_better else them / mq
    print(f"{name:28} {unit:16} {when:6} mqd {mq:12.2f}   other {them:12.2f}   {ratio:6.2f} times as good")


def main():
    mqbench, ours, our_pid, other, other_pid = sys.argv[1:6]
    rounds = 1 + (int(sys.argv[6]) if len(sys.argv) > 6 else 4)
    other_is_mqd = sys.argv[7:] == ["mqd"]
    results = {name: ([], []) for name, *_ in LOADS}
    for number in range(rounds):
        for name, load, our_config, kafka_config, _ in LOADS:
            other_config = our_config if other_is_mqd else kafka_config
            sides = [(0, ours, our_pid, our_config), (1, other, other_pid, other_config)]
            for side, address, pid, config in reversed(sides) if number % 2 else sides:
                results[name][side].append(measure(mqbench, load, address, pid, config))
    for name, _, _, _, figures in LOADS:
        mq, them = results[name]
        for figure in figures:
            show(name, *figure, "first", mq[:1], them[:1])
            if rounds > 1:
                show(name, *figure, "later", mq[1:], them[1:])


main()
