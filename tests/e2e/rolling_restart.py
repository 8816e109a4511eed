#!/usr/bin/env python3
"""Three mqd over etcd are restarted one after the other under load, as an operator does it. No client sees an error, and no record
is lost, doubled, or out of order.

Usage: rolling_restart.py BIN

First each is emptied, stopped, started and waited for, with topics of two replicas, which the two others have room for. Then, with
three replicas and a group that reads, each is only stopped: its stop hands over what it leads. Then each is drained first, and leads
nothing any more when it is stopped. At last one that is drained is killed, and replaced long before its session ends.
MQ_ROLLING_ROUNDS=N goes round N times; once is what CI does.
"""

import collections
import json
import os
import shutil
import signal
import subprocess
import sys

from lab import Broker, Etcd, Failed, Lab, Load, run, skip, until

ROUNDS = int(os.environ.get("MQ_ROLLING_ROUNDS") or 1)
PARTITIONS = range(6)
SESSION = 10  # seconds: who stops is replaced long before


class Cluster:
    def __init__(self, lab):
        self.lab = lab
        store = Etcd(lab)
        self.brokers = {number: Broker(lab, number, lab.work / f"data-{number}", f"etcd://{store.address}/rolling",
                                       options=["-X", f"mq.session.timeout.ms={SESSION * 1000}"]) for number in (1, 2, 3)}
        for broker in self.brokers.values():  # they are given the ids 1, 2 and 3
            broker.start()
        self.addresses = ",".join(broker.address for broker in self.brokers.values())
        self.mqctl("cluster", "wait", "--for", "brokers=3")

    def mqctl(self, *words, within=90, **more):
        return run("mqctl", "-b", self.addresses, *words, within=within, **more)

    def restart_each(self, load):
        for number, broker in self.brokers.items():
            load.acknowledges(partitions=PARTITIONS)
            self.mqctl("partition", "rebalance", "--exclude", number, "--max-moves", 1000, "--yes", "--wait", "60s")
            until(f"broker {number} has nothing", 30, lambda number=number: self.has("replicas", number) == "0")
            broker.stop()
            load.acknowledges(partitions=PARTITIONS)
            broker.start()
            self.mqctl("cluster", "wait", "--within", "60s")

    def has(self, column, number):
        """What `mqctl broker list` says of a broker."""
        header, *rows = (row.split("\t") for row in self.mqctl("broker", "list").stdout.splitlines())
        return next(row[header.index(column)] for row in rows if row[0] == str(number))

    def drain(self, number):
        self.mqctl("cluster", "drain", number)
        if (state := self.has("state", number), self.has("leads", number)) != ("drained", "0"):
            raise Failed(f"broker {number} was drained, and is {state}")

    def in_sync(self, topic):
        header, *rows = (row.split("\t") for row in self.mqctl("partition", "list", topic).stdout.splitlines())
        return {number for row in rows for number in row[header.index("isr")].split(",")}


def errors(history):
    """What clients were told instead of an answer, and the longest time without an acknowledgement in a partition."""
    told, last, gap = collections.Counter(), {}, 0
    with open(history, "rb") as lines:
        for text in lines:
            line = json.loads(text)
            if line.get("type") in ("info", "fail"):
                told[line["f"], line.get("err")] += 1
            if line.get("type") == "ok" and line["f"] == "send":
                for _, partition, _ in line["v"]:
                    gap = max(gap, line["t"] - last.get(partition, line["t"]))
                    last[partition] = line["t"]
    return told, gap


def judge(lab, load, restarts, name):
    records = load.keeps_everything()
    told, gap = errors(lab.work / f"{load.name}-written.jsonl")
    # Whoever looks where logs end gives an answer 100 ms, and asks again.
    looked = {asked: count for asked, count in told.items() if asked[0] == "list_offsets"}
    reached = {asked: count for asked, count in told.items() if asked not in looked and asked != ("send", "NOT_SENT")}
    if reached:
        raise Failed(f"{name}: errors reached clients: {reached}")
    if gap > (SESSION - 2) * 1e9:
        raise Failed(f"{name}: {gap / 1e6:.0f} ms without an acknowledgement: somebody waited for a session to end")
    print(f"{name}: {restarts} restarts, {records} records judged, longest time without an acknowledgement in a partition {gap / 1e6:.0f} ms, "
          f"{sum(looked.values())} late answers about the ends of logs", flush=True)


def with_other_copies(lab, cluster):
    cluster.mqctl("topic", "create", "two", "-p", len(PARTITIONS), "-r", 2)
    load = Load(lab, cluster.addresses, "two-load", topic="two")
    for _ in range(ROUNDS):
        cluster.restart_each(load)
    load.acknowledges(partitions=PARTITIONS)
    judge(lab, load, 3 * ROUNDS, "emptied, stopped and started")


def with_three_replicas(lab, cluster):
    """And lines that a group follows."""
    cluster.mqctl("topic", "create", "three", "-p", len(PARTITIONS))
    cluster.mqctl("topic", "create", "lines", "-p", 3)
    load = Load(lab, cluster.addresses, "three-load", topic="three")
    read = open(lab.work / "lines", "wb")
    lab.callback(read.close)
    reader = lab.process("reader", ["mqcons", "--quiet", "-b", cluster.addresses, "-f", "-g", "readers", "--reset", "start", "lines"], stdout=read)
    writer = lab.process("writer", ["mqprod", "--quiet", "-b", cluster.addresses, "lines"], stdin=subprocess.PIPE)
    count = 0

    def write():
        nonlocal count
        for _ in range(100):
            count += 1
            writer.stdin.write(f"{count}\n".encode())
        writer.stdin.flush()

    def lines():
        return (lab.work / "lines").read_bytes().split()

    write()
    until("the group reads", 30, lambda: len(lines()) >= count)
    if cluster.mqctl("partition", "rebalance", "--exclude", 1, "--max-moves", 1000, "--yes", check=False).returncode != 6:
        raise Failed("three replicas were to be put on two brokers")
    for is_drained in [False, True] * ROUNDS:
        for number, broker in cluster.brokers.items():
            load.acknowledges(partitions=PARTITIONS)
            write()
            if is_drained:
                cluster.drain(number)
                load.acknowledges(partitions=PARTITIONS)
            broker.stop()
            write()
            load.acknowledges(partitions=PARTITIONS)
            broker.start()
            cluster.mqctl("cluster", "wait", "--within", "60s")
            until(f"the group goes on after the restart of broker {number}", 30, lambda: len(set(lines())) >= count)
            if is_drained and cluster.has("state", number) != "there":
                raise Failed(f"broker {number} is {cluster.has('state', number)} after a restart")
    cluster.drain(2)
    load.acknowledges(partitions=PARTITIONS)
    cluster.brokers[2].kill()
    until("a broker that was drained and killed has left the ISRs, before its session ends", SESSION / 2,
          lambda: "2" not in cluster.in_sync("three"))
    write()
    load.acknowledges(partitions=PARTITIONS)
    cluster.brokers[2].start()
    cluster.mqctl("cluster", "wait", "--within", "60s")
    until("the group goes on after broker 2 was killed", 30, lambda: len(set(lines())) >= count)
    writer.stdin.close()
    if (status := writer.wait(30)) != 0:
        raise Failed(f"mqprod ended with {status}")
    reader.send_signal(signal.SIGINT)
    if (status := reader.wait(30)) not in (0, 130):
        raise Failed(f"mqcons ended with {status}")
    seen = lines()
    if {int(line) for line in seen} != set(range(1, count + 1)):
        raise Failed(f"the group has read {len(set(seen))} of {count} lines")
    said = {name: (lab.work / f"{name}.log").read_text() for name in ("reader", "writer")}
    if any(said.values()):
        raise Failed(f"clients complain: {said}")
    print(f"the group has read {count} lines, {len(seen) - count} of them twice")
    judge(lab, load, 6 * ROUNDS + 1, "stopped, drained, killed and started")


def main():
    if not shutil.which("etcd"):
        skip("there is no etcd here")
    with Lab(sys.argv[1]) as lab:
        cluster = Cluster(lab)
        with_other_copies(lab, cluster)
        cluster.mqctl("topic", "delete", "two", "--yes")
        with_three_replicas(lab, cluster)


main()
