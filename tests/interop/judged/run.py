"""A run of real clients against one mqd that is killed again and again, judged by mq_check.

Usage: run.py keep|lose FOLDER MQ_CHECK [-- PROGRAM WORD...]...

keep: mqd is killed with -9 ten times, and every promise has to be kept.
lose: topics that do not wait for the disk, of which the newest records are cut off while mqd is away; mq_check has to say so.
MQ_SEED chooses the intervals.
"""

import json
import os
import pathlib
import queue
import random
import signal
import subprocess
import sys
import threading
import traceback

from confluent_kafka.admin import AdminClient, NewTopic
from history_writer import HistoryWriter
from kcat import Kcat

TOPICS = {"orders": 4, "ledger": 2}
PARTITIONS = [f"{topic}-{number}" for topic, count in TOPICS.items() for number in range(count)]
LIMIT = 60  # seconds for what takes one at most

LOSES = sys.argv[1] == "lose"
FOLDER, CHECK = pathlib.Path(sys.argv[2]), sys.argv[3]
HISTORIES = FOLDER / "histories"
KILLS, WARMUP, LIVENESS, FINAL = (3, 1, 1, 5) if LOSES else (12, 2, 5, LIMIT)


def fail(reason):
    sys.exit(f"FAILED: {reason}")


def end_with_thread(args):
    """A thread of ours that ends with an exception is a failure."""
    traceback.print_exception(args.exc_type, args.exc_value, args.exc_traceback)
    os.kill(os.getpid(), signal.SIGTERM)


def programs_given():
    """The commands of the programs whose clients take part."""
    commands = []
    for word in sys.argv[4:]:
        if word == "--":
            commands.append([])
        else:
            commands[-1].append(word)
    return commands


def pause(seconds):
    threading.Event().wait(seconds)


class Mqd:
    """Always on the same port, so that clients find it again."""

    def __init__(self):
        self._data = FOLDER / "data"
        self._port = 0
        self._log = open(FOLDER / "mqd.log", "ab")
        self.start()

    def start(self):
        reader, writer = os.pipe()
        self._process = subprocess.Popen(["mqd", "-D", self._data, "-l", f"127.0.0.1:{self._port}", "--ready-fd", str(writer)], stderr=self._log,
                                         pass_fds=[writer])
        os.close(writer)
        with open(reader, encoding="ascii") as ready:
            line = ready.readline().strip()  # or nothing, when it ended before
        if not line:
            fail(f"mqd ended with {self._process.wait()} before it was ready")
        self.brokers = line.partition("=")[2]
        self._port = int(self.brokers.rpartition(":")[2])

    def kill(self):
        if self._process.poll() is not None:
            fail(f"mqd ended with {self._process.returncode} by itself")
        self.end()

    def end(self):
        self._process.kill()
        self._process.wait()

    def cut_logs(self, rng):
        """Takes away the end of each partition's newest segment: some of it is noticed by mqd, the newest of it cannot be."""
        for name in PARTITIONS:
            newest = max((self._data / name).glob("*.log"))
            os.truncate(newest, max(0, newest.stat().st_size - rng.randrange(2048, 16384)))


class Program:
    """Clients in another process, which does what judged/confluent.py says."""

    def __init__(self, command, brokers, first_process):
        self.name = pathlib.Path(command[-1]).name
        self._log = open(FOLDER / f"{self.name}.log", "wb")
        self._process = subprocess.Popen([*command, HISTORIES, str(first_process), *PARTITIONS], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         stderr=self._log, text=True, env=os.environ | {"MQ_BROKERS": brokers})
        self._said = queue.Queue()
        self.fatal = []
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self):
        for line in self._process.stdout:
            if line.startswith("fatal"):
                self.fatal.append(line.strip())
            else:
                self._said.put(line.strip())
        self._said.put("its end")

    def tell(self, order):
        try:
            print(order, file=self._process.stdin, flush=True)
        except BrokenPipeError:
            fail(f"{self.name} ended with {self._process.wait()} when it should {order}")

    def wait_for(self, word):
        try:
            said = self._said.get(timeout=LIMIT + 30)
        except queue.Empty:
            said = "nothing"
        if said != word:
            fail(f"{self.name}: {said} instead of {word}")

    def wait(self):
        self.wait_for("its end")
        if self._process.wait() != 0:
            fail(f"{self.name} ended with {self._process.returncode}")

    def kill(self):
        self._process.kill()
        self._process.wait()


def create_topics(brokers):
    config = {"segment.bytes": "1048576", "mq.flush": "async" if LOSES else "ack"}
    admin = AdminClient({"bootstrap.servers": brokers})
    for topic in admin.create_topics([NewTopic(name, count, config=config) for name, count in TOPICS.items()]).values():
        topic.result(LIMIT)


def highest_offsets():
    """Of each partition, the greatest that anybody has seen."""
    last = {}
    for path in HISTORIES.iterdir():
        for text in path.read_bytes().splitlines():
            line = json.loads(text)
            if line.get("type") == "invoke":
                continue
            for part in line["v"] if line["f"] in ("send", "poll") and "v" in line else []:
                pairs = {part[1]: [part[2]]} if part[0] == "send" else part[1]
                for name, records in pairs.items():
                    last[name] = max([last.get(name, -1), *(record[0] for record in records)])
    return last


def run(mqd, programs, kcat, history, rng):
    for program in programs:
        program.wait_for("ready")
    history.phase("warmup")
    pause(WARMUP)

    history.phase("faults")
    for _ in range(KILLS):
        pause(rng.uniform(1.5, 5))
        history.fault("kill9", node=1)
        mqd.kill()
        if LOSES:
            mqd.cut_logs(rng)
        pause(rng.randrange(3) * rng.random())
        mqd.start()
        history.fault("heal")
    history.phase("heal")
    pause(1)
    history.phase("liveness")
    pause(LIVENESS)

    kcat.stop_producing()
    for program in programs:
        program.tell("stop")
    for program in programs:
        program.wait_for("stopped")
    kcat.stop_reading()
    last = highest_offsets()
    history.phase("final")
    for program in programs:
        program.tell(" ".join(["final", str(FINAL), *(f"{name}={offset}" for name, offset in sorted(last.items()))]))
    kcat.read_finally(FINAL)
    for program in programs:
        program.wait()
    history.phase("done")


def judge():
    """Prints what mq_check says, of a run that loses a line for each kind. Whether every promise was kept, and whether records
    were lost."""
    judged = subprocess.run([CHECK, "--json", FOLDER / "verdict.json", *sorted(HISTORIES.iterdir())], stdout=subprocess.PIPE, text=True, check=False)
    for line in judged.stdout.splitlines():
        if not (LOSES and line.startswith(" ")):
            print(line)
    if judged.returncode not in (0, 1):
        fail(f"mq_check ended with {judged.returncode}")
    anomalies = json.loads((FOLDER / "verdict.json").read_text())["anomalies"]
    return judged.returncode == 0, any(a["broken"] for a in anomalies if a["code"] in ("A01", "A02"))


def main():
    seed = int(os.environ.get("MQ_SEED") or random.randrange(1 << 32))
    print(f"seed {seed}", flush=True)
    rng = random.Random(seed)
    signal.signal(signal.SIGTERM, lambda *_: fail("it was told to end"))
    threading.excepthook = end_with_thread
    HISTORIES.mkdir(parents=True)
    mqd = Mqd()
    programs = []
    kcat = None
    try:
        create_topics(mqd.brokers)
        programs += [Program(command, mqd.brokers, 1000 * number) for number, command in enumerate(programs_given(), 1)]
        kcat = Kcat(HISTORIES, 100000, mqd.brokers, PARTITIONS)
        with HistoryWriter(HISTORIES / "run.jsonl", process=1, client="run") as history:
            history.run({"acks": -1, "idempotent": True, "flush": "async" if LOSES else "ack", "lag_max_ms": 30000, "positive_control": LOSES})
            run(mqd, programs, kcat, history, rng)
    finally:
        if kcat:
            kcat.stop_producing()
            kcat.stop_reading()
        for program in programs:
            program.kill()
        mqd.end()
    kept, lost = judge()
    gave_up = [f"{program.name}: {reason}" for program in programs for reason in program.fatal]
    print(*gave_up, sep="\n")
    if LOSES and not lost:
        fail("acknowledged records were taken away, and mq_check does not say so")
    if not LOSES and (gave_up or not kept):
        fail("see above" if gave_up else "a promise was broken")


main()
