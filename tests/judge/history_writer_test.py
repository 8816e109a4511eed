#!/usr/bin/env python3
"""What history_writer.py writes is read and judged by mq_check: a run that keeps all, and one that loses a record."""

import os
import pathlib
import subprocess
import sys

from history_writer import HistoryWriter

CHECK = pathlib.Path(os.environ["MQ_BUILD"]) / "tests/judge/mq_check"
SCRATCH = pathlib.Path(os.environ["MQ_SCRATCH"])


def verdict(name, is_read):
    """The exit status for a run of two processes, whose reader sees the records for which `is_read(number)`."""
    paths = [SCRATCH / f"{name}-{part}.jsonl" for part in ("producer", "reader")]
    for path in paths:
        path.unlink(missing_ok=True)
    sent = []
    with HistoryWriter(paths[0], process=1, client="producer") as history:
        history.run({"acks": -1, "idempotent": True})
        for offset in range(10):
            sent.append([offset, history.value()])
            asked = history.invoke("send", v=[["send", "orders-0", sent[-1][1]]])
            history.ok(asked, v=[["send", "orders-0", sent[-1]]])
        history.info(history.invoke("send", v=[["send", "orders-0", history.value()]]), "REQUEST_TIMED_OUT")
        history.fail(history.invoke("send", v=[["send", "orders-0", history.value()]]), "MESSAGE_TOO_LARGE")
        history.crash()
    with HistoryWriter(paths[1], process=2, client="reader") as history:
        history.phase("final")
        history.ok(history.invoke("assign", v={"orders-0": "beginning"}))
        history.ok(history.invoke("poll"), v=[["poll", {"orders-0": [pair for pair in sent if is_read(pair[0])]}]])
        history.phase("done")
    return subprocess.run([CHECK, *paths], stdout=subprocess.DEVNULL, check=False).returncode


def main():
    found = {name: verdict(name, is_read) for name, is_read in [("kept", lambda _: True), ("lost", lambda number: number != 4)]}
    if found != {"kept": 0, "lost": 1}:
        sys.exit(f"exit statuses {found}")


main()
