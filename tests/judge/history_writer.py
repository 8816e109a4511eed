"""Writes the history of one client process, as docs/histories.md has it. For clients in Python, and to be copied into other languages.

    with HistoryWriter("producer.jsonl", process=17, client="producer-1") as history:
        history.run({"acks": -1, "idempotent": True})
        value = history.value()
        asked = history.invoke("send", v=[["send", "orders-3", value]])
        ...the request...
        history.ok(asked, v=[["send", "orders-3", [offset, value]]])
"""

import json
import threading
import time


class HistoryWriter:
    """One file of one process. Every line is handed to the operating system before the call returns, so that a client that
    is killed leaves all that it had asked for. May be used by several threads."""

    def __init__(self, path, process, client):
        self._file = open(path, "ab", buffering=0)
        self._process = process
        self._client = client
        self._lines = 0
        self._values = 0
        self._lock = threading.Lock()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()

    def _write(self, line):
        self._file.write(json.dumps(line, separators=(",", ":")).encode() + b"\n")

    def _of_process(self, kind, action, more):
        with self._lock:
            self._lines += 1
            line = {"i": self._lines, "t": time.monotonic_ns(), "p": self._process, "type": kind, "f": action} | more
            self._write(line)
            return self._lines

    def value(self):
        """A value that no other record of the run has."""
        with self._lock:
            self._values += 1
            return self._process << 40 | self._values

    def run(self, configuration):
        """How the run is configured; at least one process says so, and says it first."""
        with self._lock:
            self._write({"f": "run", "v": configuration})

    def phase(self, name):
        with self._lock:
            self._write({"t": time.monotonic_ns(), "f": "phase", "v": name})

    def fault(self, name, **more):
        with self._lock:
            self._write({"t": time.monotonic_ns(), "f": "nemesis", "type": "info", "v": {"fault": name} | more})

    def invoke(self, action, **more):
        """Before the request leaves. Returns what its answer names."""
        return action, self._of_process("invoke", action, {"c": self._client} | more)

    def ok(self, asked, **more):
        self._answer("ok", asked, more)

    def fail(self, asked, error, **more):
        """Only where the protocol says that nothing happened and nothing will."""
        self._answer("fail", asked, {"err": error} | more)

    def info(self, asked, error, **more):
        """Anything else that went wrong."""
        self._answer("info", asked, {"err": error} | more)

    def _answer(self, kind, asked, more):
        action, number = asked
        self._of_process(kind, action, {"of": number} | more)

    def reset(self, partition, position, to, error):
        """The reader was at `position`, and something made it begin at `to`."""
        self._of_process("info", "reset", {"c": self._client, "v": {partition: [position, to]}, "err": error})

    def crash(self):
        """The last line: the process is over."""
        self._of_process("info", "crash", {"c": self._client})
