#!/usr/bin/env python3
"""unread_stderr.py BIN: nobody reads standard error, of mqd and of the tools. Data goes on, and a signal ends them well.

It is a terminal, or a pipe, that is full. Each program is made to say more than that takes by SIGUSR1, for each of which
it says one line.
"""

import fcntl
import http.client
import os
import pty
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import tty

BIN = sys.argv[1]
PATIENCE = 20.0  # a program that stands still, not a busy machine
work = tempfile.mkdtemp(prefix="mq-e2e.")
running = []


def program(name):
    return os.path.join(BIN, name)


def until(condition, what):
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"FAILED: not in time: {what}")
        time.sleep(0.01)


def same(got, wanted, what):
    if got != wanted:
        sys.exit(f"FAILED: {what}: {got!r}, not {wanted!r}")


def unread_terminal():
    reader, writer = pty.openpty()
    tty.setraw(writer)
    return reader, writer


def unread_pipe():
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    return reader, writer


def start(command, stderr, **more):
    process = subprocess.Popen(command, stderr=stderr, **more)
    running.append(process)
    return process


def ends(process, status, what):
    try:
        same(process.wait(PATIENCE), status, what)
    except subprocess.TimeoutExpired:
        sys.exit(f"FAILED: not in time: {what}")
    running.remove(process)


def fill(process, writer):
    """Has the program speak, and fills up what that leaves, until its standard error takes nothing more."""
    def is_full():
        process.send_signal(signal.SIGUSR1)
        probe = os.open(f"/proc/self/fd/{writer}", os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
        try:
            return os.write(probe, b"#" * 1024) < 1024
        except BlockingIOError:
            return True
        finally:
            os.close(probe)

    until(is_full, "standard error is full")
    for _ in range(100):
        process.send_signal(signal.SIGUSR1)


def read_all(reader, until_found):
    """What comes, until `until_found` is in it."""
    text = b""
    os.set_blocking(reader, False)
    end = time.monotonic() + PATIENCE
    while until_found not in text:
        if time.monotonic() > end:
            sys.exit(f"FAILED: {until_found} was not said: {text[-300:]!r}")
        try:
            text += os.read(reader, 65536)
        except BlockingIOError:
            time.sleep(0.01)
    return text.decode(errors="replace")


class Daemon:
    def __init__(self, name, stderr):
        ready, tell = os.pipe()
        self.process = start([program("mqd"), "-D", f"{work}/{name}", "-l", "127.0.0.1:0", "--metrics", f"unix:{work}/{name}.http",
                              "--ready-fd", str(tell)], stderr, pass_fds=[tell])
        os.close(tell)
        self.http = f"{work}/{name}.http"
        with os.fdopen(ready) as line:
            self.brokers = line.readline().strip().split("=", 1)[1]

    def metric(self, name):
        connection = http.client.HTTPConnection("localhost", timeout=PATIENCE)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(PATIENCE)
        connection.sock.connect(self.http)
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
        connection.close()
        return float(re.search(rf"^{name} (\S+)$", text, re.M).group(1))


def produce(brokers, topic, lines):
    sent = subprocess.run([program("mqprod"), "-b", brokers, topic], input="".join(f"{line}\n" for line in lines).encode(),
                          timeout=PATIENCE, check=False, capture_output=True)
    same(sent.returncode, 0, f"mqprod: {sent.stderr.decode()}")


def read_topic(brokers, topic):
    return subprocess.run([program("mqcons"), "-b", brokers, topic], timeout=PATIENCE, check=False,
                          capture_output=True).stdout.decode().split()


def daemon_goes_on(kind):
    reader, writer = kind()
    daemon = Daemon(kind.__name__, writer)
    fill(daemon.process, writer)
    produce(daemon.brokers, "t", range(1000))
    same(len(read_topic(daemon.brokers, "t")), 1000, "records read")

    def has_dropped():
        for _ in range(100):
            daemon.process.send_signal(signal.SIGUSR1)
            time.sleep(0.0002)
        return daemon.metric("mq_log_lines_dropped_total") > 0

    until(has_dropped, "lines are dropped and counted")
    told = read_all(reader, b"of this log were dropped")
    daemon.process.send_signal(signal.SIGUSR1)
    fill(daemon.process, writer)
    daemon.process.send_signal(signal.SIGTERM)
    ends(daemon.process, 0, f"mqd with an unread {kind.__name__} after SIGTERM")
    print(f"mqd, {kind.__name__}: {re.search(r'[0-9]+ lines of this log were dropped', told).group(0)}")
    os.close(reader)
    os.close(writer)


def tools_go_on(kind):
    with open(f"{work}/mqd.log", "w") as log:
        daemon = Daemon(f"tools-{kind.__name__}", log)
    reader, writer = kind()
    sender = start([program("mqprod"), "-b", daemon.brokers, "t"], writer, stdin=subprocess.PIPE)
    sender.stdin.write(b"first\n")
    sender.stdin.flush()
    # From then on it listens to signals.
    until(lambda: read_topic(daemon.brokers, "t") == ["first"], "mqprod sends")
    fill(sender, writer)
    sender.stdin.write(b"second\n")
    sender.stdin.close()
    ends(sender, 0, f"mqprod with an unread {kind.__name__}")
    same(read_topic(daemon.brokers, "t"), ["first", "second"], "what mqprod sent")
    os.close(reader)
    os.close(writer)

    reader, writer = kind()
    follower = start([program("mqcons"), "-b", daemon.brokers, "-f", "-o", "start", "t"], writer, stdout=subprocess.PIPE)
    same(follower.stdout.readline(), b"first\n", "what mqcons writes")
    fill(follower, writer)
    produce(daemon.brokers, "t", ["third"])
    same([follower.stdout.readline() for _ in range(2)], [b"second\n", b"third\n"], "what mqcons goes on to write")
    follower.send_signal(signal.SIGTERM)
    ends(follower, 143, f"mqcons with an unread {kind.__name__} after SIGTERM")
    daemon.process.send_signal(signal.SIGTERM)
    ends(daemon.process, 0, "mqd after SIGTERM")
    print(f"mqprod and mqcons, {kind.__name__}: data went on")
    os.close(reader)
    os.close(writer)


try:
    for unread in (unread_terminal, unread_pipe):
        daemon_goes_on(unread)
        tools_go_on(unread)
finally:
    for process in running:
        process.kill()
    shutil.rmtree(work)
