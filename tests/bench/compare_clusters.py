#!/usr/bin/env python3
"""Three mqd over etcd and three Kafka nodes (KRaft, combined, 512 MiB of heap each) under the same load, one after the other within
each round: what a death and a stop of a leader cost, what replication costs, and what is spent when nothing happens.

Usage: compare_clusters.py BIN KAFKA_JARS [ROUNDS [FIGURE...]]

Prints for each figure the medians of the rounds (default 2) with the ratio, and judges nothing. Topics have three replicas and a
minimum of two; on mqd mq.flush=async, which is what Kafka's defaults do, and acks=all once more with mq.flush=ack. mqbench is
the client of both. Takes about five minutes a round and needs 4 GiB and etcd.
"""

import contextlib
import json
import os
import pathlib
import statistics
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "e2e"))
from lab import Broker, Etcd, Lab, end, free_port, pause, run, until  # noqa: E402

PARTITIONS = 1000
JAVA = ["java", "-Xmx512m", "-Xms512m", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20"]
TICKS = os.sysconf("SC_CLK_TCK")


class Ours:
    name = "mqd"
    flush = ["--set", "mq.flush=async"]

    def __init__(self, lab, folder):
        self._store = Etcd(lab, name=f"{folder.name}-store")
        url = f"etcd://{self._store.address}/compare"
        self._nodes = [Broker(lab, number, folder / f"data-{number}", url) for number in (1, 2, 3)]
        for node in self._nodes:
            node.start()
        self.addresses = [node.address for node in self._nodes]

    def pid(self, number):
        return self._nodes[number - 1].process.pid

    def kill(self, number):
        self._nodes[number - 1].kill()

    def stop(self, number):
        self._nodes[number - 1].stop()

    def start(self, number):
        self._nodes[number - 1].start()

    def close(self):
        for node in self._nodes:
            end(node.process)
        self._store.kill()


class Kafka:
    name = "Kafka"
    flush = []

    def __init__(self, lab, folder, jars):
        self._lab, self._folder, self._classes = lab, folder, ["-cp", f"{jars}/*"]
        ports = [(free_port(), free_port()) for _ in range(3)]
        voters = ",".join(f"{i}@127.0.0.1:{control}" for i, (_, control) in enumerate(ports, 1))
        cluster_id = run(*JAVA, *self._classes, "kafka.tools.StorageTool", "random-uuid").stdout.split()[-1]
        for number, (port, control) in enumerate(ports, 1):
            lines = ["process.roles=broker,controller", f"node.id={number}",
                     f"listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{control}",
                     "controller.listener.names=CONTROLLER", f"controller.quorum.voters={voters}", f"log.dirs={folder}/data-{number}",
                     "min.insync.replicas=2", "default.replication.factor=3", "auto.create.topics.enable=false"]
            self._settings(number).write_text("\n".join(lines) + "\n")
            run(*JAVA, *self._classes, "kafka.tools.StorageTool", "format", "-t", cluster_id, "-c", self._settings(number))
        self.addresses = [f"127.0.0.1:{port}" for port, _ in ports]
        self._nodes = [None] * 3
        for number in (1, 2, 3):
            self.start(number)

    def _settings(self, number):
        return self._folder.parent / f"{self._folder.name}-{number}.properties"

    def pid(self, number):
        return self._nodes[number - 1].pid

    def kill(self, number):
        end(self._nodes[number - 1])

    def stop(self, number):
        self._nodes[number - 1].terminate()
        self._nodes[number - 1].wait(120)

    def start(self, number):
        self._nodes[number - 1] = self._lab.process(f"{self._folder.name}-{number}",
                                                    [*JAVA, *self._classes, "kafka.Kafka", self._settings(number)])

    def close(self):
        for node in self._nodes:
            end(node)


class Measured:
    """One cluster in one round."""

    def __init__(self, cluster, figures):
        self._cluster = cluster
        self._figures = figures
        self._where = ",".join(cluster.addresses)
        until("three brokers are there", 120, lambda: self.mqctl("broker", "list", check=False).stdout.count("127.0.0.1:") >= 3)

    def mqctl(self, *words, **more):
        return run("mqctl", "-b", self._where, *words, **({"within": 120} | more))

    def say(self, what, unit, value):
        self._figures.setdefault((what, unit), {}).setdefault(self._cluster.name, []).append(value)

    def make(self, topic, partitions, settings=()):
        self.mqctl("topic", "create", topic, "-p", partitions, "-r", 3, *settings)
        self.wait_for_all()

    def rows(self, *words):
        header, *rows = (row.split("\t") for row in self.mqctl("partition", "list", *words).stdout.splitlines())
        return [dict(zip(header, row)) for row in rows]

    def wait_for_all(self, within=300):
        until("every replica is in sync", within, lambda: not self.rows("--urp"))

    def leader(self, topic):
        return int(self.rows(topic)[0]["leader"])

    def bench(self, *words, within=120):
        return json.loads(run("mqbench", *words, "-b", self._where, "--json", "-q", within=within).stdout)

    def processor_time(self, number):
        fields = pathlib.Path(f"/proc/{self._cluster.pid(number)}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory(self, number):
        status = pathlib.Path(f"/proc/{self._cluster.pid(number)}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024

    # What is measured

    def idle(self):
        self.make("many", PARTITIONS - 1, self._cluster.flush)
        pause(5)
        before = [self.processor_time(number) for number in (1, 2, 3)]
        pause(20)
        spent = sum(self.processor_time(number) for number in (1, 2, 3)) - sum(before)
        self.say("idle, three brokers, 1,000 partitions", "% of a core", 100 * spent / 20)
        self.say("idle, three brokers, 1,000 partitions", "MiB", sum(self.memory(number) for number in (1, 2, 3)))

    def replicate(self):
        for what, settings in (("acks=all, 16 connections", self._cluster.flush), ("acks=all synced, 16 connections", self._synced())):
            told = self.bench("rpc", "--connections", 16, "-w", "3s", "-t", "6s", *self._as_topic(settings))
            self.say(what, "records/s", told["records_per_s"])
            self.say(what, "us p99", told["latency_p99_us"])
        self.make("bulk", 1, self._cluster.flush)
        leader = self.leader("bulk")
        before = {number: self.processor_time(number) for number in (1, 2, 3)}
        told = self.bench("produce", "bulk", "-s", "1K", "-w", "3s", "-t", "8s")
        spent = {number: self.processor_time(number) - before[number] for number in (1, 2, 3)}
        followers = (sum(spent.values()) - spent[leader]) / 2
        self.say("acks=all, large batches", "MB/s", told["mb_per_s"])
        self.say("acks=all, large batches", "CPU of a follower to that of the leader", followers / max(spent[leader], 0.01))
        self.mqctl("topic", "delete", "bulk", "--yes")

    def _synced(self):
        return ["--set", "mq.flush=ack"] if self._cluster.flush else ["--set", "flush.messages=1"]

    @staticmethod
    def _as_topic(settings):
        return [word if word != "--set" else "--topic-config" for word in settings]

    def gap_while(self, topic, does):
        """The longest time without an acknowledgement, while `does` happens to the leader of the only partition."""
        self.make(topic, 1, self._cluster.flush)
        number = self.leader(topic)
        trouble = threading.Timer(5, does, [number])
        trouble.start()
        told = self.bench("produce", topic, "-r", "2000/s", "-w", "2s", "-t", "20s", "--linger", "0s")
        trouble.join()
        self._cluster.start(number)
        self.wait_for_all()
        self.mqctl("topic", "delete", topic, "--yes")
        return told["longest_ack_gap_ms"]

    def deaths(self):
        self.say("kill -9 of a leader, 1,000 partitions", "ms without an acknowledgement", self.gap_while("killed", self._cluster.kill))
        self.say("clean stop of a leader, 1,000 partitions", "ms without an acknowledgement", self.gap_while("stopped", self._cluster.stop))


def show(figures):
    names = [Ours.name, Kafka.name]
    print(f"{'':45}{'':40}" + "".join(f"{name:>12}" for name in names) + f"{'ratio':>9}")
    for (what, unit), told in figures.items():
        medians = [statistics.median(told[name]) if name in told else None for name in names]
        cells = "".join(f"{median:12,.1f}" if median is not None else f"{'-':>12}" for median in medians)
        ratio = f"{medians[0] / medians[1]:9.2f}" if all(medians) else ""
        print(f"{what:45}{unit:40}{cells}{ratio}")


def main():
    programs, jars = sys.argv[1], pathlib.Path(sys.argv[2])
    # For a look at one side only: MQ_ONLY=mqd or MQ_ONLY=Kafka.
    only = os.environ.get("MQ_ONLY")
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 2
    wanted = sys.argv[4:] or ["idle", "replicate", "deaths"]
    figures = {}
    with Lab(programs) as lab:
        for number in range(rounds):
            clusters = [lambda folder: Ours(lab, folder)] if only != Kafka.name else []
            clusters += [lambda folder: Kafka(lab, folder, jars)] if only != Ours.name else []
            for index, make in enumerate(clusters if number % 2 == 0 else reversed(clusters)):
                folder = lab.work / f"round-{number}-{index}"
                folder.mkdir()
                began = time.monotonic()
                cluster = make(folder)
                with contextlib.closing(cluster):
                    measured = Measured(cluster, figures)
                    for figure in wanted:
                        getattr(measured, figure)()
                print(f"round {number + 1}, {cluster.name}: {time.monotonic() - began:.0f} s", file=sys.stderr)
    show(figures)


if __name__ == "__main__":
    main()
