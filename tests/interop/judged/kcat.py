"""kcat's part in a judged run: each of its runs is a client of its own.

A kcat that produces tells with -vv where each record went. Only when it ends with 0 and has told so of all that it was fed is
a chunk acknowledged; kcat hides its attempts, so that all else is in doubt.
"""

import os
import re
import select
import subprocess
import threading
import time

from history_writer import HistoryWriter
from record import as_read, body

DELIVERED = re.compile(rb"^% Message delivered to partition (\d+) \(offset (\d+)\)", re.MULTILINE)
OPTIONS = ["-X", "reconnect.backoff.ms=50", "-X", "reconnect.backoff.max.ms=500"]


class Kcat:
    """Produces and reads from now on, in threads."""

    def __init__(self, folder, first_process, brokers, partitions):
        self._folder = folder
        self._process = first_process
        self._command = ["kcat", "-b", brokers, *OPTIONS]
        self._partitions = partitions
        self._lock = threading.Lock()
        self._producer_ends = threading.Event()
        self._reader_ends = threading.Event()
        self._producer = threading.Thread(target=self._produce)
        self._reader = threading.Thread(target=self._read)
        self._producer.start()
        self._reader.start()

    def stop_producing(self):
        self._producer_ends.set()
        self._producer.join()

    def stop_reading(self):
        self._reader_ends.set()
        self._reader.join()

    def _history(self, client):
        with self._lock:
            self._process += 1
            return HistoryWriter(self._folder / f"{client}.jsonl", self._process, client)

    def _produce(self):
        turn = 0
        while not self._producer_ends.is_set():
            turn += 1
            with self._history("kcat-producer") as history:
                self._send(history, self._partitions[turn % len(self._partitions)], 1 + turn % 7, ["none", "gzip"][turn % 2])

    def _send(self, history, partition, count, codec):
        topic, number = partition.rsplit("-", 1)
        values = [history.value() for _ in range(count)]
        asked = history.invoke("send", v=[["send", partition, value] for value in values])
        command = [*self._command, "-P", "-E", "-vv", "-t", topic, "-p", number, "-z", codec, "-X", "acks=all",
                   "-X", "enable.idempotence=true", "-X", "message.timeout.ms=1000"]
        try:
            done = subprocess.run(command, input=b"\n".join(body(partition, value) for value in values), capture_output=True, timeout=30, check=False)
        except subprocess.TimeoutExpired:
            history.crash()
            return
        offsets = [int(offset) for place, offset in DELIVERED.findall(done.stderr) if place == number.encode()]
        if done.returncode == 0 and len(offsets) == count:
            history.ok(asked, v=[["send", partition, [offset, value]] for offset, value in zip(offsets, values)])
        else:
            history.info(asked, f"exit status {done.returncode}, {len(offsets)} of {count} delivered")

    def _read(self):
        topic = self._partitions[0].rsplit("-", 1)[0]
        with self._history("kcat-reader") as history:
            self._read_topic(history, topic, ["-E"], self._reader_ends.is_set)

    def read_finally(self, seconds):
        """Everything from the beginning to where it ends now."""
        for topic in sorted({name.rsplit("-", 1)[0] for name in self._partitions}):
            end = time.monotonic() + seconds
            with self._history("kcat-final") as history:
                self._read_topic(history, topic, ["-e"], lambda: time.monotonic() > end)

    def _read_topic(self, history, topic, options, is_over):
        mine = [name for name in self._partitions if name.rsplit("-", 1)[0] == topic]
        assigned = history.invoke("assign", v=dict.fromkeys(mine, "beginning"))
        # "error": a reader that is thrown out of its position stays out.
        command = [*self._command, "-C", "-q", "-u", "-t", topic, "-o", "beginning", "-X", "topic.auto.offset.reset=error",
                   "-f", "%t-%p %o %s\n", *options]
        with open(self._folder.parent / "kcat-reader.log", "ab") as log, \
                subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log) as kcat:
            history.ok(assigned)
            rest = b""
            while not is_over():
                asked = history.invoke("poll")
                ready = select.select([kcat.stdout], [], [], 0.2)[0]
                data = os.read(kcat.stdout.fileno(), 1 << 16) if ready else b""
                *lines, rest = (rest + data).split(b"\n")
                seen = {name: [] for name in mine}
                for line in lines:
                    name, offset, record = line.split(b" ", 2)
                    seen[name.decode()].append(as_read(int(offset), record))
                history.ok(asked, v=[["poll", seen]])
                if ready and not data:
                    break
            kcat.kill()
