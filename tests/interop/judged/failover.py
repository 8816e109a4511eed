"""A run of real clients against three mqd over etcd, of which whoever leads is killed, judged by mq_check.

Usage: failover.py FOLDER MQ_CHECK [-- PROGRAM WORD...]...

One after the other the leader of a partition and the coordinator of the group is killed with -9; others take over, which every
client has to get through, and it comes back. Prints the longest time that a client had no acknowledgement in a partition.
MQ_CI_SCALE percent of six kills, or MQ_FAILOVER_KILLS of them; MQ_SEED chooses who is killed and the intervals.
"""

import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import sys
import threading
import time

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, NewTopic
from history_writer import HistoryWriter
from kcat import Kcat
from stage import LIMIT, Mqd, Program, end_with_thread, fail, judge, pause, programs_given, read_to_the_end

TOPICS = {"orders": 4, "ledger": 2}
PARTITIONS = [f"{topic}-{number}" for topic, count in TOPICS.items() for number in range(count)]
GROUP = "mixed"
FOLDER, CHECK = pathlib.Path(sys.argv[1]), sys.argv[2]
HISTORIES = FOLDER / "histories"
KILLS = int(os.environ.get("MQ_FAILOVER_KILLS") or max(3, 6 * int(os.environ.get("MQ_CI_SCALE", "100")) // 100))
WITHIN = 30  # seconds until every partition is acknowledged again


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


class Store:
    """An etcd."""

    def __init__(self):
        port, peers = free_port(), free_port()
        self.url = f"etcd://127.0.0.1:{port}/failover"
        urls = f"http://127.0.0.1:{port}"
        with open(FOLDER / "etcd.log", "wb") as log:
            self._process = subprocess.Popen(["etcd", "--logger", "zap", "--log-level", "error", "--data-dir", FOLDER / "store",
                                              "--listen-client-urls", urls, "--advertise-client-urls", urls,
                                              "--listen-peer-urls", f"http://127.0.0.1:{peers}"], stdout=log, stderr=log)

    def end(self):
        self._process.kill()
        self._process.wait()


class Acknowledged:
    """When which client had records acknowledged, from the growing histories."""

    def __init__(self):
        self._read = {}
        self.times = {}  # of each client and partition

    def look(self):
        for path in HISTORIES.iterdir():
            client = path.name.removesuffix(".jsonl").rstrip("0123456789").rstrip("-")
            if "producer" not in client:
                continue
            with open(path, "rb") as file:
                file.seek(self._read.get(path, 0))
                whole = file.read().rpartition(b"\n")[0]
            self._read[path] = self._read.get(path, 0) + len(whole)
            for text in whole.splitlines():
                if b'"ok"' in text and b'"send"' in text:
                    line = json.loads(text)
                    for _, partition, _ in line["v"]:
                        self.times.setdefault((client, partition), []).append(line["t"])

    def in_all_since(self, moment):
        self.look()
        return all(any(times[-1] > moment for (_, of), times in self.times.items() if of == partition) for partition in PARTITIONS)

    def report(self):
        """One line for each client. Those that had nothing acknowledged are missing."""
        self.look()
        clients = sorted({client for client, _ in self.times})
        for client in clients:
            mine = {partition: sorted(times) for (of, partition), times in self.times.items() if of == client}
            gap, where = max((max((b - a for a, b in zip(times, times[1:])), default=0), partition) for partition, times in mine.items())
            print(f"{client}: {sum(map(len, mine.values()))} acknowledged, longest gap {gap / 1e6:.0f} ms in {where}")
        return clients


def until(what, holds):
    end = time.monotonic() + WITHIN
    while not holds():
        if time.monotonic() > end:
            fail(f"not within {WITHIN} s: {what}")
        pause(0.05)


class Cluster:
    def __init__(self):
        self._store = Store()
        self.brokers = {}
        for number in (1, 2, 3):
            self.brokers[number] = Mqd(FOLDER, f"-{number}", "--meta", self._store.url, "--threads", "1")  # ids are given in the order in which they come
        self.addresses = ",".join(broker.brokers for broker in self.brokers.values())
        self._admin = AdminClient({"bootstrap.servers": self.addresses})
        self.wait("brokers=3")
        for topic in self._admin.create_topics([NewTopic(name, count, replication_factor=3) for name, count in TOPICS.items()]).values():
            topic.result(LIMIT)

    def wait(self, what):
        subprocess.run(["mqctl", "-b", self.addresses, "cluster", "wait", "--for", what, "--within", f"{WITHIN}s"], check=True)

    def leader(self, partition):
        topic, number = partition.rsplit("-", 1)
        return self._admin.list_topics(topic, LIMIT).topics[topic].partitions[int(number)].leader

    def coordinator(self):
        """None while a new one takes over. Asked by a new client each time: librdkafka goes on asking the coordinator that it knows."""
        admin = AdminClient({"bootstrap.servers": self.addresses})
        try:
            return admin.describe_consumer_groups([GROUP])[GROUP].result(LIMIT).coordinator.id
        except KafkaException:
            return None

    def victim(self, rng, number):
        """In turn a partition's leader and the group's coordinator, and what it is."""
        end = time.monotonic() + WITHIN
        while time.monotonic() < end:
            partition = rng.choice(PARTITIONS)
            found = self.coordinator() if number % 2 else self.leader(partition)
            if found in self.brokers:
                return found, "the coordinator" if number % 2 else f"the leader of {partition}"
            pause(0.05)
        fail(f"nobody leads {partition}, or nobody coordinates {GROUP}")

    def end(self):
        for broker in self.brokers.values():
            broker.end()
        self._store.end()


def run(cluster, programs, kcat, acknowledged, history, rng):
    for program in programs:
        program.wait_for("ready")
    history.phase("warmup")
    until("every partition is acknowledged", lambda: acknowledged.in_all_since(0))
    pause(1)

    history.phase("faults")
    killed = 0
    for number in range(KILLS):
        # Two that end within a session of 3 s are taken for an illness of whoever sees it, and are replaced later.
        pause(max(0, 4.5 - (time.monotonic_ns() - killed) / 1e9) + rng.uniform(0, 1.5))
        victim, who = cluster.victim(rng, number)
        killed = time.monotonic_ns()
        history.fault("kill9", node=victim)
        cluster.brokers[victim].kill()
        until("every partition is acknowledged again", lambda: acknowledged.in_all_since(killed + 1_000_000))
        print(f"broker {victim}, {who}, was killed; every partition was acknowledged {(time.monotonic_ns() - killed) / 1e6:.0f} ms later", flush=True)
        pause(rng.uniform(0, 2))
        cluster.brokers[victim].start()
        cluster.wait("no-urp")
        history.fault("heal")
    history.phase("heal")
    pause(1)
    history.phase("liveness")
    pause(2)
    read_to_the_end(FOLDER, programs, kcat, history, LIMIT)


def main():
    seed = int(os.environ.get("MQ_SEED") or random.randrange(1 << 32))
    print(f"seed {seed}", flush=True)
    rng = random.Random(seed)
    signal.signal(signal.SIGTERM, lambda *_: fail("it was told to end"))
    threading.excepthook = end_with_thread
    HISTORIES.mkdir(parents=True)
    cluster = Cluster()
    programs = []
    kcat = None
    acknowledged = Acknowledged()
    commands = programs_given(sys.argv[3:])
    try:
        programs += [Program(FOLDER, command, cluster.addresses, 1000 * number, PARTITIONS) for number, command in enumerate(commands, 1)]
        kcat = Kcat(HISTORIES, 100000, cluster.addresses, PARTITIONS)
        with HistoryWriter(HISTORIES / "run.jsonl", process=1, client="run") as history:
            history.run({"acks": -1, "idempotent": True, "flush": "ack", "min_isr": 2})
            run(cluster, programs, kcat, acknowledged, history, rng)
    finally:
        if kcat:
            kcat.stop_producing()
            kcat.stop_reading()
        for program in programs:
            program.kill()
        cluster.end()
    kept, _ = judge(CHECK, FOLDER)
    clients = acknowledged.report()
    gave_up = [f"{program.name}: {reason}" for program in programs for reason in program.fatal]
    print(*gave_up, sep="\n")
    if gave_up or not kept:
        fail("see above" if gave_up else "a promise was broken")
    if len(clients) < len(commands) + 1:
        fail(f"only {', '.join(clients)} had records acknowledged")


main()
