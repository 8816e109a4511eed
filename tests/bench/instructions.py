#!/usr/bin/env python3
"""instructions.py BIN...: the user instructions of mqd for one request, counted by callgrind.

For the mqd of each folder BIN: a Produce request of one record with acks=1, a Fetch request that finds one batch, and an
ApiVersions request, each sent one after the other on one connection. What start and stop take is not in it: the count of
a run with few requests is subtracted from that of a run with many. Valgrind 3.19 cannot read DWARF 5, so it gets a copy of
the program without debug information. Prints figures, judges nothing. Unlike times, they hardly depend on what else the
machine does: they differ by about 1 % from run to run.
"""

import pathlib
import re
import socket
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "mqctl"))
from request import array, batch, string

FEW, MANY = 1000, 5000
TOPIC = "instructions"
BATCH = batch([1_000], b"x" * 100)


def request(key, version, body):
    frame = struct.pack(">hhi", key, version, 1) + string("bench") + body
    return struct.pack(">i", len(frame)) + frame


def of_partition(row):
    return array(string(TOPIC) + array(struct.pack(">i", 0) + row))


METADATA = request(3, 4, array(string(TOPIC)) + b"\1")
REQUESTS = {
    "produce": request(0, 3, struct.pack(">hhi", -1, 1, 10_000) + of_partition(struct.pack(">i", len(BATCH)) + BATCH)),
    "fetch": request(1, 4, struct.pack(">iiiib", -1, 100, 1, 1 << 20, 0) +
                     of_partition(struct.pack(">qi", 0, len(BATCH) + 10))),
    "api_versions": request(18, 0, b""),
}


def ask(connection, frame):
    connection.sendall(frame)
    answer = b""
    while len(answer) < 4 or len(answer) < 4 + struct.unpack(">i", answer[:4])[0]:
        answer += connection.recv(65536) or sys.exit("mqd closed the connection")
    return answer


def connect(process, port):
    while process.poll() is None:
        try:
            return socket.create_connection(("127.0.0.1", port))
        except ConnectionError:
            time.sleep(0.01)
    sys.exit(f"mqd ended with {process.returncode}")


def run(mqd, folder, frame, count):
    """The instructions of a whole life of mqd with `count` requests."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory(dir=folder) as data, open(data + ".log", "w+") as log:
        process = subprocess.Popen(
            ["valgrind", "--tool=callgrind", f"--callgrind-out-file={data}.out", mqd, "-D", data, "-l", f"127.0.0.1:{port}",
             "-X", "mq.flush=async"], stderr=log, stdout=log)
        with connect(process, port) as connection:
            ask(connection, METADATA)
            time.sleep(1)  # until all shards sleep
            ask(connection, REQUESTS["produce"])
            for _ in range(count):
                answer = ask(connection, frame)
        if frame == REQUESTS["fetch"]:
            assert BATCH[21:] in answer, "the fetch brought no batch"
        process.terminate()
        process.wait()
        log.seek(0)
        return int(re.search(r"Collected : (\d+)", log.read()).group(1))


def main():
    for folder in sys.argv[1:]:
        with tempfile.TemporaryDirectory() as scratch:
            mqd = f"{scratch}/mqd"
            subprocess.run(["objcopy", "--strip-debug", f"{folder}/mqd", mqd], check=True)
            for name, frame in REQUESTS.items():
                costs = [(run(mqd, scratch, frame, MANY) - run(mqd, scratch, frame, FEW)) / (MANY - FEW) for _ in range(3)]
                print(f"{folder}: {name} {' '.join(f'{cost:.0f}' for cost in costs)} instructions a request", flush=True)


if __name__ == "__main__":
    main()
