"""Real brokers, a store, a load and its judgement, for the tests of this folder that are in Python. All of it goes away with the
`Lab`, also after a failure or a SIGTERM."""

import contextlib
import fcntl
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "judge"))
from history_writer import HistoryWriter  # noqa: E402

EXT4_IOC_SHUTDOWN = 0x8004587D  # FS_IOC_SHUTDOWN of Linux, which every file system has that knows it
NO_LOG_FLUSH = struct.pack("I", 2)


class Failed(Exception):
    """The test has failed; the text says why."""


def skip(reason):
    print(reason)
    sys.exit(77)


def pause(seconds):
    threading.Event().wait(seconds)


def until(what, seconds, holds):
    """Waits for a condition. Returns what it was, once that is true."""
    end = time.monotonic() + seconds
    while not (found := holds()):
        if time.monotonic() > end:
            raise Failed(f"not within {seconds} s: {what}")
        pause(0.02)
    return found


def scaled(count, least=1):
    """MQ_CI_SCALE percent of so many."""
    return max(least, count * int(os.environ.get("MQ_CI_SCALE") or "100") // 100)


def run(*command, within=60, check=True, **more):
    done = subprocess.run([str(word) for word in command], timeout=within, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **more)
    if check and done.returncode != 0:
        raise Failed(f"{' '.join(map(str, command))} ended with {done.returncode}: {done.stdout.strip()}")
    return done


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


class Lab(contextlib.ExitStack):
    """A folder, a source of randomness whose seed is printed, and what has to go away in the end. Usage: `with Lab(BIN) as lab`."""

    def __init__(self, programs):
        super().__init__()
        os.environ["PATH"] = f"{programs}:{os.environ['PATH']}"
        self.check = pathlib.Path(programs) / "../tests/judge/mq_check"
        seed = int(os.environ.get("MQ_SEED") or random.randrange(1 << 32))
        print(f"seed {seed}", flush=True)
        self.rng = random.Random(seed)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit("FAILED: it was told to end"))
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="mq-e2e."))
        self.callback(shutil.rmtree, self.work, ignore_errors=True)

    def __exit__(self, kind, error, trace):
        if isinstance(error, Failed):
            print(f"FAILED: {error}", file=sys.stderr)
            for log in sorted(self.work.glob("*.log")):
                tail = log.read_text(errors="replace").splitlines()[-25:]
                print(f"==> {log.name} <==", *tail, sep="\n", file=sys.stderr)
            if kept := os.environ.get("MQ_KEEP"):
                shutil.copytree(self.work, kept, dirs_exist_ok=True, symlinks=True, ignore=shutil.ignore_patterns("images"))
        super().__exit__(None, None, None)
        if isinstance(error, Failed):
            sys.exit(1)
        return False

    def process(self, log, command, **more):
        """Starts one, whose output goes into a log, and which ends with the lab."""
        with open(self.work / f"{log}.log", "ab") as out:
            started = subprocess.Popen([str(word) for word in command], **({"stdout": out, "stderr": out} | more))
        self.callback(end, started)
        return started


def end(process):
    if process.poll() is None:
        process.kill()
    process.wait()


class Etcd:
    """One member of the store."""

    def __init__(self, lab, name="store", host="127.0.0.1", members=None, inside=()):
        """`members`: name and host of each, where there are several, which then have ports of their own machines."""
        self._lab = lab
        self._name = name
        client, peer = (2379, 2380) if members else (free_port(), free_port())
        self.address = f"{host}:{client}"
        self._command = [*inside, "etcd", "--logger", "zap", "--log-level", "error", "--name", name, "--data-dir", lab.work / name,
                         "--heartbeat-interval", "100", "--election-timeout", "1000",
                         "--listen-client-urls", f"http://{self.address}", "--advertise-client-urls", f"http://{self.address}",
                         "--listen-peer-urls", f"http://{host}:{peer}", "--initial-advertise-peer-urls", f"http://{host}:{peer}",
                         "--initial-cluster", ",".join(f"{m}=http://{h}:{peer}" for m, h in (members or {name: host}).items())]
        self.start()

    def start(self):
        self.process = self._lab.process(self._name, self._command)

    def kill(self):
        end(self.process)


ZOOKEEPER_JAR = pathlib.Path("/usr/share/java/zookeeper.jar")


class ZooKeeper:
    """One member of an ensemble of ZooKeepers, each of which has a machine of its own."""

    def __init__(self, lab, name, host, members, inside=()):
        self._lab = lab
        self._name = name
        self.address = f"{host}:2181"
        folder = lab.work / name
        folder.mkdir()
        (folder / "myid").write_text(f"{list(members).index(name) + 1}\n")
        servers = "".join(f"server.{number}={member}:2888:3888\n" for number, member in enumerate(members.values(), 1))
        settings = lab.work / f"{name}.cfg"
        settings.write_text(f"dataDir={folder}\nclientPort=2181\nclientPortAddress={host}\ntickTime=500\ninitLimit=20\nsyncLimit=4\n"
                            f"maxClientCnxns=0\nadmin.enableServer=false\n4lw.commands.whitelist=srvr\n{servers}")
        # Without syncs, which only a loss of power needs: three of them share a disk with three brokers.
        self._command = [*inside, "java", "-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dzookeeper.forceSync=no",
                         "-Dzookeeper.preAllocSize=1024", "-cp", ZOOKEEPER_JAR, "org.apache.zookeeper.server.quorum.QuorumPeerMain", settings]
        self.start()

    def start(self):
        self.process = self._lab.process(self._name, self._command)

    def kill(self):
        end(self.process)


class Broker:
    """One mqd, always at the same address, so that clients find it again."""

    def __init__(self, lab, number, data, url=None, host="127.0.0.1", port=0, inside=(), options=()):
        self.number = number
        self._lab = lab
        self._data = data
        self._url = url
        self._inside = inside
        self._options = options
        self.address = f"{host}:{port}"

    def start(self, within=60):
        reader, writer = os.pipe()
        meta = ["--meta", self._url] if self._url else []
        command = [*self._inside, "mqd", "-D", self._data, "-l", self.address, "--threads", "1", *meta, *self._options, "--ready-fd", writer]
        self.process = self._lab.process(f"mqd-{self.number}", command, pass_fds=[writer])
        os.close(writer)
        line = bytearray()

        def is_ready():
            # Its end gives nothing to read, and neither does waiting.
            with contextlib.suppress(BlockingIOError):
                line.extend(os.read(reader, 1000))
            if self.process.poll() is not None:
                raise Failed(f"broker {self.number} ended with {self.process.returncode} before it was ready")
            return line.endswith(b"\n")

        os.set_blocking(reader, False)
        try:
            until(f"broker {self.number} is ready", within, is_ready)
        finally:
            os.close(reader)
        self.address = line.decode().strip().partition("=")[2]

    def lives(self):
        return self.process.poll() is None

    def kill(self):
        if not self.lives():
            raise Failed(f"broker {self.number} ended with {self.process.returncode} by itself")
        end(self.process)

    def stop(self, within=60):
        self.process.terminate()
        if (status := self.process.wait(within)) != 0:
            raise Failed(f"broker {self.number} ended with {status} after SIGTERM")

    def freeze(self):
        """Until each of its threads does nothing any more."""
        self.process.send_signal(signal.SIGSTOP)

        def all_stopped():
            tasks = pathlib.Path(f"/proc/{self.process.pid}/task").iterdir()
            return all((task / "stat").read_text().rpartition(")")[2].split()[0] == "T" for task in tasks)

        until(f"broker {self.number} stands still", 10, all_stopped)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)


class Disk:
    """An ext4 of its own in memory, whose power can be cut. Needs root."""

    def __init__(self, lab, name, megabytes=256):
        self._image = lab.work / "images" / name
        self.at = lab.work / name
        if not self._image.parent.exists():
            self._image.parent.mkdir()
            run("mount", "-t", "tmpfs", "-o", "size=1g", "mq-images", self._image.parent)
            lab.callback(run, "umount", "-l", self._image.parent, check=False)
        self.at.mkdir()
        with open(self._image, "wb") as image:
            image.truncate(megabytes << 20)
        run("mkfs.ext4", "-q", "-F", "-m", "0", self._image)
        self.mount()
        lab.callback(run, "umount", "-l", self.at, check=False)

    def mount(self):
        run("mount", "-o", "loop", self._image, self.at)

    def cut_power(self):
        """Nothing reaches the disk from now on; who has files open there finds every operation failed."""
        folder = os.open(self.at, os.O_RDONLY)
        try:
            fcntl.ioctl(folder, EXT4_IOC_SHUTDOWN, NO_LOG_FLUSH)
        finally:
            os.close(folder)

    def give_power(self):
        """When nobody has files open any more: what was on the disk is all there is."""
        until(f"{self.at} can be unmounted", 20, lambda: run("umount", self.at, check=False).returncode == 0)
        self.mount()


class Load:
    """Producers, a reader and a final reader of mqbench, whose history is judged together with what is done to the brokers."""

    def __init__(self, lab, brokers, name="load", rate="2k/s", producers=2, partitions=3, topic=None, options=(), inside=()):
        """To a new topic with so many partitions, or to one that is there."""
        self._lab = lab
        self.name = name
        self._inside = inside
        self._given = ["-b", brokers, "--quiet"]
        self._written, self._marks = lab.work / f"{name}-written.jsonl", lab.work / f"{name}.marks"
        self._does = lab.work / f"{name}-done-to-it.jsonl"
        self.history = lab.enter_context(HistoryWriter(self._does, process=1, client="nemesis"))
        self.events = 0
        where = [topic] if topic else ["--partitions", partitions, "--keep"]
        self._writer = lab.process(name, [*inside, "mqbench", "verify", *where, "--producers", producers, "-r", rate, "-t", "10h",
                                          "--produce", self._marks, "--history", self._written, *self._given, *options])

    def fault(self, name, **more):
        self.events += 1
        self.history.fault(name, **more)

    def heal(self):
        self.history.fault("heal")

    def acknowledges(self, within=30, where="anywhere", partitions=()):
        """Waits for an acknowledgement of a record that is not sent yet, in each of these partitions. Returns after how many seconds
        it came."""
        began = time.monotonic()
        asked = time.monotonic_ns()
        sent = {}
        missing = set(partitions) or {None}
        at = self._written.stat().st_size if self._written.exists() else 0
        rest = b""

        def came():
            nonlocal at, rest
            if self._writer.poll() is not None:
                raise Failed(f"the load ended with {self._writer.returncode}")
            if not self._written.exists():
                return False
            with open(self._written, "rb") as file:
                file.seek(at)
                new = file.read()
            at += len(new)
            *lines, rest = (rest + new).split(b"\n")
            for text in lines:
                if b'"f":"send"' not in text:
                    continue
                try:
                    line = json.loads(text)
                except ValueError:
                    continue  # the rest of a line
                if line["type"] == "invoke":
                    sent[line["p"], line["i"]] = line["t"]
                elif line["type"] == "ok" and sent.get((line["p"], line["of"]), 0) > asked:
                    missing.discard(None)
                    missing.discard(int(line["v"][0][1].rpartition("-")[2]))
            return not missing

        until(f"something is acknowledged {where}", within, came)
        return time.monotonic() - began

    def end(self, within=60):
        """Ends the load, reads everything from the beginning, and has the history judged. Returns mqbench's report and the verdict."""
        self._writer.send_signal(signal.SIGINT)
        status = self._writer.wait(within)
        if status != 130:
            raise Failed(f"the load ended with {status}")
        read = self._lab.work / f"{self.name}-read.jsonl"
        done = subprocess.run([*self._inside, "mqbench", "verify", "--check", self._marks, "--history", read, "--json", *self._given],
                              stdout=subprocess.PIPE, timeout=120, check=False)
        if done.returncode not in (0, 7):
            raise Failed(f"the final reader ended with {done.returncode}")
        report = json.loads(done.stdout)
        verdict = self._lab.work / f"{self.name}-verdict.json"
        judged = run(self._lab.check, "--json", verdict, self._does, self._written, read, check=False)
        self.said = judged.stdout
        return report, json.loads(verdict.read_text())

    def keeps_everything(self):
        """As `end`; anything that was promised and is not so is a failure. Returns how many operations were judged."""
        report, verdict = self.end()
        found = {what: report[what] for what in ("lost", "duplicate", "reordered", "corrupt") if report[what]}
        if found or verdict["verdict"] != "kept":
            raise Failed(f"{found or verdict['verdict']}\n{self.said}")
        print(next(line for line in self.said.splitlines() if " operations (" in line), flush=True)
        return report["checked"]


class Network:
    """Machines, each a network namespace with an address of its own, and the wire between them. Needs root."""

    def __init__(self, lab, names):
        self._names = list(names)
        self._spaces = {name: name for name in self._names}
        pathlib.Path("/run/netns").mkdir(exist_ok=True)
        run("mount", "-t", "tmpfs", "mq-netns", "/run/netns")
        for space in self._spaces.values():
            run("ip", "netns", "add", space)
            lab.callback(run, "ip", "netns", "del", space, check=False)
        self._wire = lab.process("wire", [sys.executable, pathlib.Path(__file__).parent / "wire.py", *self._spaces.values()], stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE)
        self._answer("the wire")

    def host(self, name):
        return f"10.88.0.{self._names.index(name) + 1}"

    def inside(self, name):
        """What a command begins with that runs there."""
        return ["nsenter", f"--net=/run/netns/{self._spaces[name]}", "--"]

    def _answer(self, what):
        if self._wire.stdout.readline() != b"ok\n":
            raise Failed(f"{what}: the wire ended")

    def _tell(self, *words):
        names = (self._names.index(word) + 1 if word in self._names else word for word in words)
        self._wire.stdin.write((" ".join(map(str, names)) + "\n").encode())
        self._wire.stdin.flush()
        self._answer(words)

    def cut(self, whence, whither):
        """One way. "*" is everybody."""
        self._tell("cut", whence, whither)

    def mend(self, whence, whither):
        self._tell("mend", whence, whither)

    def part(self, these, those):
        """Both ways, of each with each."""
        for a in these:
            for b in those:
                self.cut(a, b)
                self.cut(b, a)

    def isolate(self, name):
        self.cut(name, "*")
        self.cut("*", name)

    def bad(self, whence, whither, loss, delay, jitter):
        """One frame in `loss` is lost, the others take `delay` seconds to that and `jitter` more."""
        self._tell("bad", whence, whither, loss, delay, jitter)

    def hold(self, whence, whither):
        """What belongs to TCP connections that are there waits until the heal; new ones get through."""
        self._tell("hold", whence, whither)

    def heal(self):
        self._tell("heal")
