"""Run by in_lab.sh: brokers on disks of their own, whose power is cut amid a load of acks=all.

Usage: power_cuts.py BIN

A broker is stopped where it stands, its disk takes nothing any more, it is killed, and starts on what the disk had: one broker
alone; of three, one, two or all at once. With flush=ack no record that was acknowledged is lost, and no topic. With flush=async,
and the power of all three cut, records have to be lost, or the cuts are none.

MQ_CI_SCALE percent of 12 cuts of one broker, 9 of three, 2 with flush=async; MQ_POWER_CUTS=N takes N of each of the first two.
"""

import os
import shutil
import sys

from lab import Broker, Disk, Etcd, Failed, Lab, Load, pause, run, scaled, skip, until


def cut(lab, load, disks, brokers, numbers, **more):
    """The power of these brokers at one moment."""
    for number in numbers:
        brokers[number].freeze()
    for number in numbers:
        load.fault("power_loss", node=number, **more)
        disks[number].cut_power()
    for number in numbers:
        brokers[number].kill()
        disks[number].give_power()
    pause(lab.rng.random() * lab.rng.randrange(3) / 2)
    for number in lab.rng.sample(numbers, len(numbers)):
        brokers[number].start()
    load.heal()


def one(lab, cuts):
    disk = Disk(lab, "alone")
    broker = Broker(lab, 1, disk.at / "data")
    broker.start()
    load = Load(lab, broker.address, "alone-load")
    load.history.phase("faults")
    topics = []
    for number in range(cuts):
        load.acknowledges()
        pause(lab.rng.random() / 2)
        topics.append(f"made-{number}")
        run("mqctl", "-b", broker.address, "topic", "create", topics[-1])
        cut(lab, load, {1: disk}, {1: broker}, [1])
    load.history.phase("heal")
    load.acknowledges()
    there = run("mqctl", "-b", broker.address, "topic", "list", "--no-header").stdout.split()
    if missing := set(topics) - set(there):
        raise Failed(f"topics that were made are not there: {missing}")
    records = load.keeps_everything()
    broker.stop()
    print(f"one broker: {cuts} power cuts, {records} records judged, none lost", flush=True)


class Three:
    def __init__(self, lab, name):
        self.store = Etcd(lab, f"{name}-store")
        url = f"etcd://{self.store.address}/{name}"
        self.disks = {number: Disk(lab, f"{name}-{number}") for number in (1, 2, 3)}
        self.brokers = {number: Broker(lab, f"{name}-{number}", disk.at / "data", url) for number, disk in self.disks.items()}
        for broker in self.brokers.values():  # they are given the ids 1, 2 and 3
            broker.start()
        self.addresses = ",".join(broker.address for broker in self.brokers.values())
        self.wait("brokers=3")

    def wait(self, what):
        run("mqctl", "-b", self.addresses, "cluster", "wait", "--for", what, "--within", "60s", within=90)


def three(lab, cuts):
    cluster = Three(lab, "ack")
    load = Load(lab, cluster.addresses, "ack-load")
    load.history.phase("faults")
    done = {1: 0, 2: 0, 3: 0}
    for number in range(cuts):
        load.acknowledges(partitions=range(3))
        pause(lab.rng.random() / 2)
        struck = lab.rng.sample((1, 2, 3), (3, 1, 2)[number % 3])
        # Who leads nothing disturbs nobody.
        cut(lab, load, cluster.disks, cluster.brokers, struck, **({} if len(struck) > 1 else {"quiet": True}))
        done[len(struck)] += 1
        cluster.wait("no-urp")
    load.history.phase("heal")
    load.acknowledges(partitions=range(3))
    records = load.keeps_everything()
    for broker in cluster.brokers.values():
        broker.stop()
    print(f"three brokers: power cut of one {done[1]} times, of two {done[2]}, of all {done[3]}; {records} records judged, none lost", flush=True)


def control(lab, cuts):
    """Where nobody waits for a disk, a cut of all takes records that were acknowledged."""
    cluster = Three(lab, "async")
    load = Load(lab, cluster.addresses, "async-load", options=["--topic-config", "mq.flush=async"])
    load.history.phase("faults")
    for _ in range(cuts):
        load.acknowledges(partitions=range(3))
        pause(0.5)
        cut(lab, load, cluster.disks, cluster.brokers, [1, 2, 3])
        until("every partition is led again", 60, lambda: not run("mqctl", "-b", cluster.addresses, "partition", "list", "--offline", "--no-header").stdout)
    load.history.phase("heal")
    load.acknowledges(partitions=range(3))
    report, verdict = load.end()
    broken = [found["code"] for found in verdict["anomalies"] if found["broken"]]
    if not report["lost"] or broken:
        raise Failed(f"flush=async: {report['lost']} records lost, and more than a cut allows: {broken}\n{load.said}")
    print(f"three brokers with flush=async: power of all cut {cuts} times, {report['lost']} of {report['checked'] + report['lost']} records lost, as "
          "it has to be")


def main():
    for program in ("mkfs.ext4", "etcd"):
        if not shutil.which(program):
            skip(f"there is no {program} here")
    asked = int(os.environ.get("MQ_POWER_CUTS") or 0)
    for part, cuts in ((one, asked or scaled(12, 2)), (three, asked or scaled(9, 3)), (control, scaled(2))):
        with Lab(sys.argv[1]) as lab:
            part(lab, cuts)


main()
