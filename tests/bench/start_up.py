#!/usr/bin/env python3
"""start_up.py BIN [PARTITIONS...]: how long mqd takes from exec to its first answer, and what it takes of memory.

For each number of partitions a data directory is filled - topics of 1000 partitions, one record in each - and mqd is
started on it five times after a clean stop and once after a kill -9, always on the same port: another one would be
written to the metadata store, which waits for the disk. The first answer is that of an ApiVersions request on a TCP
connection that was tried every half millisecond from the exec on. Also prints how long the topics took to be made, and
each stop. Prints figures, judges nothing: run it on a quiet machine.
"""

import os
import shutil
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time

API_VERSIONS = struct.pack(">ihhih", 10, 18, 0, 7, -1)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Broker:
    def __init__(self, folder, data, port):
        self.port = port
        begun = time.monotonic()
        self.process = subprocess.Popen([f"{folder}/mqd", "-D", data, "-l", f"127.0.0.1:{self.port}", "-X", "mq.flush=async"],
                                        stderr=open(data + ".log", "a"))
        self.wait_for_answer()
        self.first_answer_ms = (time.monotonic() - begun) * 1000

    def wait_for_answer(self):
        while self.process.poll() is None:
            try:
                with socket.create_connection(("127.0.0.1", self.port)) as connection:
                    connection.sendall(API_VERSIONS)
                    if connection.recv(4096):
                        return
            except ConnectionError:
                pass
            time.sleep(0.0005)
        sys.exit(f"mqd ended with {self.process.returncode}")

    def rss_mib(self):
        with open(f"/proc/{self.process.pid}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1024

    def end(self, how=signal.SIGTERM):
        begun = time.monotonic()
        self.process.send_signal(how)
        self.process.wait()
        return time.monotonic() - begun


def fill(folder, broker, partitions):
    environment = dict(os.environ, MQ_BROKERS=f"127.0.0.1:{broker.port}", PATH=folder + ":" + os.environ["PATH"])
    begun = time.monotonic()
    topics = [(f"t{n}", min(1000, partitions - n)) for n in range(0, partitions, 1000)]
    for name, count in topics:
        subprocess.run(["mqctl", "topic", "create", name, "-p", str(count)], env=environment, check=True, stdout=subprocess.DEVNULL)
    made = time.monotonic() - begun
    for name, count in topics:
        keys = "".join(f"{n}\n" for n in range(20 * count))
        subprocess.run(["mqprod", "-a", "1", name, "--batch", "100"], input=keys, env=environment, text=True, check=True,
                       stderr=subprocess.DEVNULL)
    return made


def main():
    folder = sys.argv[1]
    for partitions in [int(word) for word in sys.argv[2:]] or [0, 10, 10_000]:
        work = tempfile.mkdtemp(prefix="mq-start-up.")
        try:
            data = work + "/data"
            port = free_port()
            broker = Broker(folder, data, port)
            new_ms = broker.first_answer_ms
            made = fill(folder, broker, partitions)
            stop = broker.end()
            clean, rss = [], []
            for _ in range(5):
                broker = Broker(folder, data, port)
                clean.append(broker.first_answer_ms)
                rss.append(broker.rss_mib())
                broker.end()
            Broker(folder, data, port).end(signal.SIGKILL)
            broker = Broker(folder, data, port)
            print(f"{partitions:6} partitions: made in {made:.2f} s, stopped after writing in {stop:.2f} s; "
                  f"first answer on a new directory {new_ms:.0f} ms, after a clean stop {statistics.median(clean):.0f} ms "
                  f"(worst {max(clean):.0f}, RSS {max(rss):.1f} MiB), "
                  f"after kill -9 {broker.first_answer_ms:.0f} ms (RSS {broker.rss_mib():.1f} MiB); "
                  f"stopped then in {broker.end():.2f} s")
        finally:
            shutil.rmtree(work)


main()
