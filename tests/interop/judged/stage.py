"""What a judged run needs: brokers, the programs whose clients take part, and what they have seen."""

import json
import os
import pathlib
import queue
import signal
import subprocess
import sys
import threading
import traceback

LIMIT = 60  # seconds for what takes one at most


def fail(reason):
    sys.exit(f"FAILED: {reason}")


def end_with_thread(args):
    """A thread of ours that ends with an exception is a failure."""
    traceback.print_exception(args.exc_type, args.exc_value, args.exc_traceback)
    os.kill(os.getpid(), signal.SIGTERM)


def programs_given(words):
    """The commands among these words, each behind a `--`."""
    commands = []
    for word in words:
        if word == "--":
            commands.append([])
        else:
            commands[-1].append(word)
    return commands


def pause(seconds):
    threading.Event().wait(seconds)


class Mqd:
    """A broker, always on the same port, so that clients find it again."""

    def __init__(self, folder, name="", *options):
        """Its data and its log are in `folder`; `name` tells it from others there."""
        self._name = f"mqd{name}"
        self._command = ["mqd", "-D", folder / f"data{name}", *options]
        self._log = open(folder / f"{self._name}.log", "ab")
        self._port = 0
        self.start()

    def start(self):
        reader, writer = os.pipe()
        self._process = subprocess.Popen([*self._command, "-l", f"127.0.0.1:{self._port}", "--ready-fd", str(writer)], stderr=self._log, pass_fds=[writer])
        os.close(writer)
        with open(reader, encoding="ascii") as ready:
            line = ready.readline().strip()  # or nothing, when it ended before
        if not line:
            fail(f"{self._name} ended with {self._process.wait()} before it was ready")
        self.brokers = line.partition("=")[2]
        self._port = int(self.brokers.rpartition(":")[2])

    def kill(self):
        if self._process.poll() is not None:
            fail(f"{self._name} ended with {self._process.returncode} by itself")
        self.end()

    def end(self):
        self._process.kill()
        self._process.wait()


class Program:
    """Clients in another process, which does what judged/confluent.py says. `folder` gets its log, and has its histories."""

    def __init__(self, folder, command, brokers, first_process, partitions):
        self.name = pathlib.Path(command[-1]).name
        self._log = open(folder / f"{self.name}.log", "wb")
        self._process = subprocess.Popen([*command, folder / "histories", str(first_process), *partitions], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
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


def highest_offsets(histories):
    """Of each partition, the greatest that anybody has seen."""
    last = {}
    for path in histories.iterdir():
        for text in path.read_bytes().splitlines():
            line = json.loads(text)
            if line.get("type") == "invoke":
                continue
            for part in line["v"] if line["f"] in ("send", "poll") and "v" in line else []:
                pairs = {part[1]: [part[2]]} if part[0] == "send" else part[1]
                for name, records in pairs.items():
                    last[name] = max([last.get(name, -1), *(record[0] for record in records)])
    return last


def judge(check, folder, says=lambda line: True):
    """Prints what mq_check says, the lines that are asked for. Whether every promise was kept, and what was found."""
    judged = subprocess.run([check, "--json", folder / "verdict.json", *sorted((folder / "histories").iterdir())], stdout=subprocess.PIPE,
                            text=True, check=False)
    for line in judged.stdout.splitlines():
        if says(line):
            print(line)
    if judged.returncode not in (0, 1):
        fail(f"mq_check ended with {judged.returncode}")
    return judged.returncode == 0, json.loads((folder / "verdict.json").read_text())["anomalies"]


def read_to_the_end(folder, programs, kcat, history, seconds):
    """Producers end, everything is read again from the beginning, and the programs are over."""
    kcat.stop_producing()
    for program in programs:
        program.tell("stop")
    for program in programs:
        program.wait_for("stopped")
    kcat.stop_reading()
    last = highest_offsets(folder / "histories")
    history.phase("final")
    for program in programs:
        program.tell(" ".join(["final", str(seconds), *(f"{name}={offset}" for name, offset in sorted(last.items()))]))
    kcat.read_finally(seconds)
    for program in programs:
        program.wait()
    history.phase("done")
