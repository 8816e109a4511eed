"""A switch between network namespaces, run by lab.py as a process of its own: every frame passes here, so a link can be cut in one
direction, lose frames, and take its time. Needs root and /dev/net/tun.

Usage: wire.py NAMESPACE...    the N-th becomes 10.88.0.N, on an interface e0

Standard input has one order a line, each answered with a line `ok` once it counts. A and B are numbers, or * for all; links have a
direction.
  cut A B            nothing gets from A to B
  mend A B           everything does
  bad A B LOSS DELAY JITTER   one frame in LOSS is lost (0: none), the others take DELAY to DELAY + JITTER seconds, in their order
  hold A B           what belongs to a TCP connection from A that is there now waits, while new ones get through: what was asked twice
                     arrives twice, the first one last
  heal               as in the beginning; what was held arrives
"""

import fcntl
import heapq
import itertools
import os
import random
import select
import struct
import subprocess
import sys
import time

TUNSETIFF = 0x400454CA
TAP, NO_HEADER = 0x0002, 0x1000
FRAME_MAX = 1 << 16
EVERYBODY = b"\xff" * 6
IPV4_TCP = (b"\x08\x00\x45", 6)  # of frames without options in their IP header
SYN, ACK = 2, 16


def mac(number):
    return bytes([2, 0, 0, 0, 0, number])


def is_old(frame, begun):
    """Whether it belongs to a TCP connection that is not among those that began here; one that begins is one of them from now on."""
    if frame[12:15] != IPV4_TCP[0] or frame[23] != IPV4_TCP[1]:
        return False
    ports, flags = frame[34:38], frame[47]
    if flags & SYN and not flags & ACK:
        begun.add(ports)
    return ports not in begun


class Wire:
    def __init__(self, namespaces):
        self._ends = {}  # of each number
        self._numbers = {}  # of each end
        for number, namespace in enumerate(namespaces, 1):
            self._plug(number, namespace)
        self._cut = set()
        self._bad = {}
        self._holding = {}  # of each such link, the connections that began since
        self._held = []
        self._last = {}  # of each bad link, when its last frame arrives
        self._late = []
        self._turns = itertools.count()
        self._orders = b""

    def _plug(self, number, namespace):
        end = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        name = f"mq{os.getpid()}-{number}"[-15:]
        fcntl.ioctl(end, TUNSETIFF, struct.pack("16sH22x", name.encode(), TAP | NO_HEADER))
        address = ":".join(f"{byte:02x}" for byte in mac(number))
        subprocess.run(["ip", "link", "set", name, "netns", namespace], check=True)
        for words in (f"link set {name} name e0 address {address} mtu 9000 txqueuelen 10000", "link set lo up", f"addr add 10.88.0.{number}/24 dev e0",
                      "link set e0 up"):
            subprocess.run(["ip", "-n", namespace, *words.split()], check=True)
        self._ends[number] = end
        self._numbers[end] = number

    def _pass_on(self, source):
        """All frames that are there, of one machine."""
        for _ in range(256):
            try:
                frame = os.read(source, FRAME_MAX)
            except BlockingIOError:
                return
            whence = self._numbers[source]
            if frame[:6] == EVERYBODY:
                for whither in self._ends:
                    self._send(whence, whither, frame)
            elif frame[:5] == mac(0)[:5]:
                self._send(whence, frame[5], frame)

    def _send(self, whence, whither, frame):
        link = whence, whither
        if whence == whither or whither not in self._ends or link in self._cut:
            return
        if link in self._holding and is_old(frame, self._holding[link]):
            self._held.append((whither, frame))
        elif link in self._bad:
            loss, delay, jitter = self._bad[link]
            if loss and random.random() < 1 / loss:
                return
            due = self._last[link] = max(self._last.get(link, 0), time.monotonic() + delay + random.random() * jitter)
            heapq.heappush(self._late, (due, next(self._turns), whither, frame))
        else:
            self._arrive(whither, frame)

    def _arrive(self, whither, frame):
        try:
            os.write(self._ends[whither], frame)
        except OSError:
            pass  # its queue is full, or its machine is on the way out

    def _links(self, a, b):
        return [(whence, whither) for whence, whither in itertools.permutations(self._ends, 2)
                if a in ("*", str(whence)) and b in ("*", str(whither))]

    def _obey(self, words):
        if words[0] == "cut":
            self._cut.update(self._links(*words[1:3]))
        elif words[0] == "mend":
            self._cut.difference_update(self._links(*words[1:3]))
        elif words[0] == "bad":
            self._bad |= dict.fromkeys(self._links(*words[1:3]), tuple(map(float, words[3:])))
        elif words[0] == "hold":
            self._holding |= {link: set() for link in self._links(*words[1:3])}
        elif words[0] == "heal":
            self._cut.clear()
            self._bad.clear()
            self._holding.clear()
            for whither, frame in self._held:
                self._arrive(whither, frame)
            self._held.clear()
        else:
            sys.exit(f"no such order: {words}")
        print("ok", flush=True)

    def run(self):
        poll = select.poll()
        for end in self._numbers:
            poll.register(end, select.POLLIN)
        poll.register(0, select.POLLIN)
        print("ok", flush=True)
        while True:
            wait = max(0, self._late[0][0] - time.monotonic()) * 1000 if self._late else None
            for source, _ in poll.poll(wait):
                if source in self._numbers:
                    self._pass_on(source)
                    continue
                if not (given := os.read(0, 1 << 16)):
                    return  # nobody is there any more
                *lines, self._orders = (self._orders + given).split(b"\n")
                for line in lines:
                    self._obey(line.decode().split())
            while self._late and self._late[0][0] <= time.monotonic():
                _, _, whither, frame = heapq.heappop(self._late)
                self._arrive(whither, frame)


Wire(sys.argv[1:]).run()
