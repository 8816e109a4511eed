"""Commits an offset for each of 10,000 groups, kills their coordinator with SIGKILL, and asks for all of them until each is answered as
it was committed.

Usage: many_groups.py PORT:PID...    the brokers, on 127.0.0.1

Prints how long after the kill somebody else said that it is the coordinator, and how long after that the first and the last group were
served. Exit status: 0 all offsets were there within a minute.
"""

import os
import signal
import socket
import struct
import sys
import time

GROUPS = 10_000
AT_ONCE = 500  # requests under way
TOPIC = "t"
OFFSET_COMMIT, OFFSET_FETCH, FIND_COORDINATOR = 8, 9, 10
NOT_YET = (14, 15, 16)  # loading, no coordinator, not the coordinator


def text(value):
    return struct.pack(">h", len(value)) + value.encode()


class Broker:
    def __init__(self, port):
        self._socket = socket.create_connection(("127.0.0.1", port), 10)
        self._socket.settimeout(30)
        self._in = self._socket.makefile("rb")

    def ask(self, api, version, bodies):
        """The answers to requests that are sent at once, in their order."""
        frames = []
        for body in bodies:
            frame = struct.pack(">hhi", api, version, 0) + text("many_groups") + body
            frames.append(struct.pack(">i", len(frame)) + frame)
        self._socket.sendall(b"".join(frames))
        return [self._answer() for _ in bodies]

    def _answer(self):
        size = struct.unpack(">i", self._read(4))[0]
        return self._read(size)[4:]

    def _read(self, size):
        got = self._in.read(size)
        if got is None or len(got) < size:
            raise ConnectionError("the broker closed the connection")
        return got

    def coordinator(self):
        """Its port; None while there is none."""
        answer = self.ask(FIND_COORDINATOR, 0, [text(name_of(0))])[0]
        error, _, size = struct.unpack_from(">hih", answer)
        return struct.unpack_from(">i", answer, 8 + size)[0] if error == 0 else None


def name_of(group):
    return f"group-{group:05}"


def commit_of(group):
    return (text(name_of(group)) + struct.pack(">i", -1) + text("") + struct.pack(">qi", -1, 1) + text(TOPIC)
            + struct.pack(">iiqh", 1, 0, 1000 + group, -1))


def fetch_of(group):
    return text(name_of(group)) + struct.pack(">i", 1) + text(TOPIC) + struct.pack(">ii", 1, 0)


def committed(answer):
    """The offset and the error of the only partition of an OffsetFetch answer."""
    at = 4 + 2 + len(TOPIC) + 4 + 4
    offset, size = struct.unpack_from(">qh", answer, at)
    return offset, struct.unpack_from(">h", answer, at + 10 + max(size, 0))[0]


def until(deadline, attempt):
    """What `attempt` returns once it returns something; failed connections are tried again."""
    while time.monotonic() < deadline:
        try:
            if (found := attempt()) is not None:
                return found
        except OSError:
            pass
        time.sleep(0.002)
    sys.exit("FAILED: the groups have no coordinator")


def commit_all(broker):
    left = list(range(GROUPS))
    deadline = time.monotonic() + 60
    while left:
        asked = left[:AT_ONCE]
        answers = broker.ask(OFFSET_COMMIT, 2, [commit_of(group) for group in asked])
        errors = [struct.unpack(">h", answer[-2:])[0] for answer in answers]
        if bad := [error for error in errors if error not in (0, *NOT_YET)]:
            sys.exit(f"FAILED: a commit is refused with error {bad[0]}")
        left = [group for group, error in zip(asked, errors) if error] + left[AT_ONCE:]
        if time.monotonic() > deadline:
            sys.exit("FAILED: the offsets could not be committed in a minute")


def fetch_all(broker, deadline):
    """Returns when the first and when the last was answered."""
    left, first = list(range(GROUPS)), None
    while left:
        asked = left[:AT_ONCE]
        answers = [committed(answer) for answer in broker.ask(OFFSET_FETCH, 1, [fetch_of(group) for group in asked])]
        for group, (offset, error) in zip(asked, answers):
            if error not in (0, *NOT_YET) or (error == 0 and offset != 1000 + group):
                sys.exit(f"FAILED: {name_of(group)} has offset {offset}, error {error}")
        answered = [error == 0 for _, error in answers]
        if first is None and any(answered):
            first = time.monotonic()
        left = [group for group, is_answered in zip(asked, answered) if not is_answered] + left[AT_ONCE:]
        if time.monotonic() > deadline:
            sys.exit(f"FAILED: {len(left)} groups are not served a minute after their coordinator was killed")
    return first, time.monotonic()


def main():
    pids = dict(map(int, member.split(":")) for member in sys.argv[1:])
    anybody = Broker(next(iter(pids)))
    old = until(time.monotonic() + 60, anybody.coordinator)
    commit_all(Broker(old))
    rest = [port for port in pids if port != old]

    killed = time.monotonic()
    os.kill(pids[old], signal.SIGKILL)
    asked = Broker(rest[0])
    new = until(killed + 60, lambda: port if (port := asked.coordinator()) != old else None)
    known = time.monotonic()
    first, last = fetch_all(Broker(new), killed + 60)
    print(f"{GROUPS} groups: another coordinator after {(known - killed) * 1e3:.0f} ms, serves the first of them "
          f"{(first - known) * 1e3:.0f} ms after that and the last, at {AT_ONCE} at once, after {(last - known) * 1e3:.0f} ms")


main()
