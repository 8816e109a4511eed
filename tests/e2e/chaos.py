"""Run by in_lab.sh: three mqd and three servers of their store, each on a machine of its own (a network namespace), under a load of
acks=all, and one thing after the other that happens to them.

Usage: chaos.py BIN etcd|zookeeper

Each schedule goes: steady, inject, observe, heal. Within 30 s of the heal every partition is acknowledged again, and the cluster
gets whole. In the end mq_check judges what the clients saw, and the logs of the brokers are compared byte for byte.

Five of the schedules, or MQ_CI_SCALE percent of that, are drawn; MQ_CHAOS=N takes N, each of them at least once when N allows;
MQ_CHAOS=NAME[,NAME...] those.
"""

import collections
import os
import pathlib
import re
import shutil
import signal
import sys
import time

from lab import ZOOKEEPER_JAR, Broker, Etcd, Failed, Lab, Load, Network, ZooKeeper, pause, run, scaled, skip, until

BROKERS = {1: "b1", 2: "b2", 3: "b3"}
STORES = ("e1", "e2", "e3")
CLIENT = "client"
PARTITIONS = range(6)
MOVED = 2  # partitions with two replicas, which can move
WITHIN = 30  # seconds from the heal to an acknowledgement in each partition
SESSION = {"etcd": 3, "zookeeper": 4}[sys.argv[2]]  # seconds: mq.session.timeout.ms


class World:
    def __init__(self, lab):
        self.lab = lab
        self.rng = lab.rng
        self.net = Network(lab, [*BROKERS.values(), *STORES, CLIENT])
        hosts = {name: self.net.host(name) for name in STORES}
        kind = {"etcd": Etcd, "zookeeper": ZooKeeper}[sys.argv[2]]
        self.stores = {name: kind(lab, name, hosts[name], hosts, self.net.inside(name)) for name in STORES}
        url = f"{sys.argv[2]}://{','.join(store.address for store in self.stores.values())}/chaos"
        self.folders = {number: lab.work / f"data-{number}" for number in BROKERS}
        self.brokers = {number: Broker(lab, number, self.folders[number], url, self.net.host(name), 9092, self.net.inside(name))
                        for number, name in BROKERS.items()}
        for broker in self.brokers.values():  # they are given the ids 1, 2 and 3
            broker.start()
        self.addresses = ",".join(broker.address for broker in self.brokers.values())
        self.wait("brokers=3")
        self.load = Load(lab, self.addresses, partitions=len(PARTITIONS), rate="1k/s", options=["--timeout", "3s"], inside=self.net.inside(CLIENT))
        self.load.acknowledges(partitions=PARTITIONS)
        self.mqctl("topic", "create", "moved", "-p", MOVED, "-r", 2)
        self.moving = Load(lab, self.addresses, "moving-load", topic="moved", rate="200/s", producers=1, options=["--timeout", "3s"],
                           inside=self.net.inside(CLIENT))
        self.topic = next(line.split()[1] for line in (lab.work / "load.marks").read_text().splitlines() if line.startswith("topic "))

    def mqctl(self, *words, **more):
        return run(*self.net.inside(CLIENT), "mqctl", "-b", self.addresses, *words, within=90, **more)

    def wait(self, what):
        self.mqctl("cluster", "wait", "--for", what, "--within", "60s")

    # ---- who is who ----

    def leader(self):
        """Of a drawn partition; it leads others too."""
        def found():
            rows = [row.split("\t") for row in self.mqctl("partition", "list", self.topic, "--no-header", check=False).stdout.splitlines()]
            leaders = [int(row[2]) for row in rows if len(row) > 2 and row[2].isdigit()]
            return self.rng.choice(leaders) if leaders else None

        return until("a partition is led", WITHIN, found)

    def controller(self):
        said = [(logged.group(1), number) for number in BROKERS for logged in
                re.finditer(r"^(\S+) info +this broker is the controller now", (self.folders[number].parent / f"mqd-{number}.log").read_text(), re.MULTILINE)]
        return max(said)[1]

    def store_leader(self):
        """A server that says that it leads the others, or any."""
        found = []
        for name in STORES:
            reply = run(*self.net.inside(name), "python3", "-c", LEADER_OF[sys.argv[2]], self.stores[name].address, check=False).stdout.split()
            found += [int(reply[0])] if reply and reply[0] == "1" else [0]
        return STORES[found.index(1)] if 1 in found else self.rng.choice(STORES)

    def others(self, number):
        return [other for other in BROKERS if other != number]

    # ---- schedules ----

    def kill_leaders(self):
        """kill -9 of whoever leads, three times."""
        for _ in range(3):
            number = self.leader()
            self.struck("kill9", number)
            self.brokers[number].kill()
            self.load.acknowledges(WITHIN, "after the leader was killed", PARTITIONS)
            self.brokers[number].start()
            self.wait("no-urp")

    def kill_two(self):
        """Two at once: the third cannot commit alone."""
        numbers = self.rng.sample(list(BROKERS), 2)
        for number in numbers:
            self.struck("kill9", number)
            self.brokers[number].kill()
        pause(2)
        for number in numbers:
            self.brokers[number].start()

    def kill_all(self):
        for number, broker in self.brokers.items():
            self.struck("kill9", number)
            broker.kill()
        pause(self.rng.random())
        for broker in self.brokers.values():
            broker.start()

    def freeze_leader(self):
        """SIGSTOP until it was replaced; it goes on as one that believes to lead."""
        number = self.leader()
        self.struck("sigstop", number)
        self.brokers[number].freeze()
        self.load.acknowledges(WITHIN, "while the leader stands still", PARTITIONS)
        pause(self.rng.random() * 2)
        self.brokers[number].thaw()

    def freeze_all(self):
        """All brokers stand still for longer than their sessions last."""
        for number, broker in self.brokers.items():
            self.struck("sigstop", number)
            broker.freeze()
        pause(SESSION + 1)
        for broker in self.brokers.values():
            broker.thaw()

    def leader_unheard(self):
        """What a leader sends to the other brokers does not arrive; it hears them."""
        number = self.leader()
        self.struck("cut-one-way", number)
        for other in self.others(number):
            self.net.cut(BROKERS[number], BROKERS[other])
        pause(SESSION + 2)

    def leader_deaf(self):
        """What the other brokers send to a leader does not arrive."""
        number = self.leader()
        self.struck("cut-one-way", number)
        for other in self.others(number):
            self.net.cut(BROKERS[other], BROKERS[number])
        pause(SESSION + 2)

    def two_parted(self):
        """Two brokers do not reach each other; both reach the third and the store."""
        a, b = self.rng.sample(list(BROKERS), 2)
        self.struck("partition", a)
        self.net.part([BROKERS[a]], [BROKERS[b]])
        pause(SESSION + 2)

    def leader_without_store(self):
        number = self.leader()
        self.struck("store-cut", number)
        self.net.part([BROKERS[number]], STORES)
        pause(SESSION + 2)

    def leader_unheard_by_store(self):
        number = self.leader()
        self.struck("store-cut-one-way", number)
        for store in STORES:
            self.net.cut(BROKERS[number], store)
        pause(SESSION + 2)

    def leader_isolated(self):
        """From everybody, clients too."""
        number = self.leader()
        self.struck("isolated", number)
        self.net.isolate(BROKERS[number])
        self.load.acknowledges(WITHIN, "while the leader is isolated", PARTITIONS)
        pause(1)

    def controller_isolated(self):
        number = self.controller()
        self.struck("isolated", number)
        self.net.isolate(BROKERS[number])
        self.load.acknowledges(WITHIN, "while the controller is isolated", PARTITIONS)
        pause(1)

    def leader_with_clients(self):
        """A leader and the clients on one side, the other brokers and the store on the other one: nothing may be acknowledged by it."""
        number = self.leader()
        self.struck("partition", number)
        self.net.part([BROKERS[number], CLIENT], [*(BROKERS[other] for other in self.others(number)), *STORES])
        pause(SESSION + 2)

    def clients_cut_off(self):
        self.struck("clients-cut")
        self.net.isolate(CLIENT)
        pause(3)

    def store_leader_killed(self):
        name = self.store_leader()
        self.struck("store-kill9")
        self.stores[name].kill()
        self.load.acknowledges(WITHIN, "while a server of the store is down", PARTITIONS)
        pause(SESSION)
        self.stores[name].start()

    def store_without_quorum(self):
        """Two servers are killed for longer than sessions last. What needs no change of metadata goes on."""
        names = self.rng.sample(STORES, 2)
        self.struck("store-kill9")
        for name in names:
            self.stores[name].kill()
        self.load.acknowledges(WITHIN, "while the store has no quorum", PARTITIONS)
        pause(SESSION + 2)
        for name in names:
            self.stores[name].start()

    def store_frozen(self):
        self.struck("store-sigstop")
        for store in self.stores.values():
            store.process.send_signal(signal.SIGSTOP)
        pause(SESSION + 2)
        for store in self.stores.values():
            store.process.send_signal(signal.SIGCONT)

    def store_leader_parted(self):
        """The leader of the store from its followers; the brokers reach all."""
        name = self.store_leader()
        self.struck("store-partition")
        self.net.part([name], [other for other in STORES if other != name])
        pause(SESSION + 2)

    def bad_lines(self):
        """One frame in 10 or 30 is lost, and each takes 20 to 60 ms."""
        self.struck("bad-lines")
        self.net.bad("*", "*", self.rng.choice((10, 30)), 0.02, 0.04)
        pause(5)

    def slow_follower(self):
        """Far away: 300 ms to and from one broker."""
        number = self.rng.choice(list(BROKERS))
        self.struck("slow-lines", number)
        self.net.bad(BROKERS[number], "*", 0, 0.3, 0.1)
        self.net.bad("*", BROKERS[number], 0, 0.3, 0.1)
        pause(5)

    def swizzle(self):
        """Machines are cut off one after the other and come back in another order."""
        machines = self.rng.sample([*BROKERS.values(), *STORES], self.rng.randrange(2, 7))
        self.struck("swizzle")
        for name in machines:
            self.net.isolate(name)
            pause(self.rng.random())
        for name in self.rng.sample(machines, len(machines)):
            self.net.mend(name, "*")
            self.net.mend("*", name)
            pause(self.rng.random())

    def kill_amid_elections(self):
        """An operator gives leadership back while brokers die and come back."""
        for _ in range(3):
            number = self.rng.choice(list(BROKERS))
            self.struck("kill9", number)
            self.brokers[number].kill()
            self.mqctl("partition", "elect", check=False)
            self.brokers[number].start()
            self.mqctl("partition", "elect", check=False)

    def flapping(self):
        """A leader's lines come and go."""
        number = self.leader()
        self.struck("flapping", number)
        for _ in range(6):
            self.net.isolate(BROKERS[number])
            pause(self.rng.random() * 1.5)
            self.net.heal()
            pause(self.rng.random() / 2)

    def asked_twice(self):
        """Requests to a leader are stuck until their clients ask anew on other connections; then both arrive."""
        number = self.leader()
        self.struck("held", number)
        self.net.hold(CLIENT, BROKERS[number])
        self.load.acknowledges(WITHIN, "by requests on other connections", PARTITIONS)
        pause(1)

    def followers_ask_twice(self):
        """The same between brokers."""
        number = self.leader()
        self.struck("held", number)
        for other in self.others(number):
            self.net.hold(BROKERS[other], BROKERS[number])
            self.net.hold(BROKERS[number], BROKERS[other])
        pause(SESSION + 2)

    def slow_disk(self):
        """Each sync of a leader takes half a second."""
        number = self.leader()
        self.struck("slow-disk", number)
        slows = self.lab.process("strace", ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync,fsync", "-e",
                                            "inject=fdatasync,fsync:delay_enter=500000", "-p", self.brokers[number].process.pid])
        pause(5)
        slows.send_signal(signal.SIGINT)
        slows.wait(30)

    def move_and_kill(self):
        """Partitions move to the broker that has none of them, whose process, or another's, is killed amid it."""
        for place, leader, replicas in self.moved():
            target = next(number for number in BROKERS if number not in replicas)
            source = self.rng.choice(replicas)
            self.mqctl("partition", "move", f"moved/{place}", f"{source}>{target}", "--yes", check=False)
            number = self.rng.choice((target, source, leader))
            pause(self.rng.random() / 2)
            self.struck("kill9", number)
            self.brokers[number].kill()
            pause(self.rng.random())
            self.brokers[number].start()
        until("all moves are done", 60, lambda: not self.mqctl("partition", "moves", "--no-header").stdout.strip())

    def moved(self):
        """Number, leader and replicas of each partition that can move."""
        def led():
            rows = [row.split("\t") for row in self.mqctl("partition", "list", "moved", "--no-header", check=False).stdout.splitlines()]
            return len(rows) == MOVED and all(row[2].isdigit() for row in rows) and rows

        return [(int(row[1]), int(row[2]), [int(number) for number in row[4].split(",")]) for row in until("moved is led", WITHIN, led)]

    def storm(self):
        """Whatever comes, all at once, for some seconds."""
        self.struck("storm")
        down, frozen, machines = set(), set(), [*BROKERS.values(), *STORES, CLIENT]
        for _ in range(25):
            number, name = self.rng.choice(list(BROKERS)), self.rng.choice(STORES)
            a, b = self.rng.sample(machines, 2)
            deed = self.rng.randrange(10)
            if deed < 2:
                self.net.cut(a, b)
            elif deed == 2:
                self.net.hold(a, b)
            elif deed == 3:
                self.net.bad(a, b, self.rng.choice((0, 3, 20)), self.rng.random() / 5, self.rng.random() / 5)
            elif deed < 6:
                self.net.heal()
            elif deed == 6 and number not in down | frozen:
                self.brokers[number].kill()
                down.add(number)
            elif deed == 7 and number not in down | frozen:
                self.brokers[number].freeze()
                frozen.add(number)
            elif deed == 8 and name not in down:
                self.stores[name].kill()
                down.add(name)
            else:
                self.bring_back(down, frozen)
            pause(self.rng.random() / 2)
        self.net.heal()
        self.bring_back(down, frozen)

    def bring_back(self, down, frozen):
        """What needs a store that is cut off comes up once it is there, so the lines are mended first."""
        self.net.heal()
        for name in down & set(STORES):
            self.stores[name].start()
        for number in frozen:
            self.brokers[number].thaw()
        for number in down & set(BROKERS):
            self.brokers[number].start()
        down.clear()
        frozen.clear()

    SCHEDULES = (kill_leaders, kill_two, kill_all, freeze_leader, freeze_all, leader_unheard, leader_deaf, two_parted, leader_without_store,
                 leader_unheard_by_store, leader_isolated, controller_isolated, leader_with_clients, clients_cut_off, store_leader_killed,
                 store_without_quorum, store_frozen, store_leader_parted, bad_lines, slow_follower, swizzle, kill_amid_elections, flapping,
                 asked_twice, followers_ask_twice, slow_disk, move_and_kill, storm)

    # Whether an operation is left in doubt depends on who leads and on how soon it is replaced.
    def struck(self, fault, node=None):
        for load in (self.load, self.moving):
            load.fault(fault, quiet=True, **({} if node is None else {"node": node}))

    def live_through(self, schedule):
        """Returns how long after the heal every partition was acknowledged."""
        name = schedule.__name__
        began = time.monotonic()
        pause(self.rng.random())
        self.load.acknowledges(WITHIN, f"before {name}", PARTITIONS)
        for load in (self.load, self.moving):
            load.history.phase("faults")
        schedule(self)
        self.net.heal()
        for load in (self.load, self.moving):
            load.heal()
            load.history.phase("heal")
        took = self.load.acknowledges(WITHIN, f"after {name} was healed", PARTITIONS)
        self.moving.acknowledges(WITHIN, f"where two replicas are, after {name} was healed", range(MOVED))
        for number, broker in self.brokers.items():
            if not broker.lives():
                raise Failed(f"after {name}: broker {number} ended with {broker.process.returncode}")
        self.wait("no-urp")
        print(f"{name}: every partition was acknowledged {took * 1000:.0f} ms after the heal; {time.monotonic() - began:.0f} s in all", flush=True)
        return took

    def compare_logs(self):
        """Of brokers that were stopped when they were in sync. Returns how many bytes are the same."""
        total = 0
        for name in [*(f"{self.topic}-{number}" for number in PARTITIONS), *(f"moved-{number}" for number in range(MOVED))]:
            folders = {number: root / name for number, root in self.folders.items() if (root / name).exists()}
            logs = {number: b"".join(path.read_bytes() for path in sorted(folder.glob("*.log"))) for number, folder in folders.items()}
            ends = {number: len(log.rstrip(b"\0")) for number, log in logs.items()}
            least = min(map(len, logs.values()))
            if len({log[:least] for log in logs.values()}) > 1 or len(set(ends.values())) > 1 or not least:
                raise Failed(f"the logs of {name} differ: {ends}")
            total += least
        return total


# Asks a server of the store whether it is the leader of the others.
LEADER_OF = {"etcd": """
import json, sys, urllib.request
said = json.load(urllib.request.urlopen(urllib.request.Request(f"http://{sys.argv[1]}/v3/maintenance/status", b"{}"), timeout=1))
print(int(said["header"]["member_id"] == said["leader"]))
""", "zookeeper": """
import socket, sys
host, port = sys.argv[1].rsplit(":", 1)
with socket.create_connection((host, int(port)), timeout=1) as connection:
    connection.settimeout(1)
    connection.sendall(b"srvr")
    print(int(b"Mode: leader" in b"".join(iter(lambda: connection.recv(4096), b""))))
"""}


def drawn(rng):
    asked = os.environ.get("MQ_CHAOS", "")
    named = {schedule.__name__: schedule for schedule in World.SCHEDULES}
    if asked and not asked.isdigit():
        return [named[name] for name in asked.split(",")]
    count = int(asked) if asked else scaled(5, 2)
    rounds = []
    while len(rounds) < count:
        rounds += rng.sample(World.SCHEDULES, len(World.SCHEDULES))
    return rounds[:count]


def main():
    for program in ("etcd" if sys.argv[2] == "etcd" else "java", "ip", "nsenter", "strace"):
        if not shutil.which(program):
            skip(f"there is no {program} here")
    if sys.argv[2] == "zookeeper" and not ZOOKEEPER_JAR.exists():
        skip(f"there is no {ZOOKEEPER_JAR} here")
    if not pathlib.Path("/dev/net/tun").exists():
        skip("there is no /dev/net/tun here")
    with Lab(sys.argv[1]) as lab:
        world = World(lab)
        took = collections.Counter()
        schedules = drawn(lab.rng)
        for schedule in schedules:
            took[schedule.__name__] = max(took[schedule.__name__], world.live_through(schedule))
        for load in (world.load, world.moving):
            load.history.phase("liveness")
        pause(1)
        records = world.load.keeps_everything() + world.moving.keeps_everything()
        for broker in world.brokers.values():
            broker.stop()
        same = world.compare_logs()
        slowest, seconds = took.most_common(1)[0]
        print(f"{len(schedules)} schedules with {world.load.events} faults, {records} records judged, {same} bytes the same wherever they are; slowest "
              f"to go on after its heal: {slowest}, {seconds * 1000:.0f} ms")


main()
