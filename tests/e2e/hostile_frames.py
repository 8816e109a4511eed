"""Sends to an mqd what no client should: hostile_frames.py PORT PID [CASE].

Each case ends with the same questions: does the daemon live, is a well-meaning client answered at once, has its memory
stayed under a bound, are its descriptors back to what they were?
"""

import gzip
import itertools
import multiprocessing
import os
import random
import select
import socket
import struct
import sys
import threading
import time
import zlib

PORT, PID = int(sys.argv[1]), int(sys.argv[2])
ONLY = sys.argv[3] if len(sys.argv) > 3 else ""
RSS_MIB_MAX = int(os.environ.get("MQ_RSS_MIB_MAX", "400"))
ANSWER_SECONDS_MAX = 5.0  # a daemon that stands still, not a busy machine
rng = random.Random(15)

API_VERSIONS, METADATA, PRODUCE, FETCH, LIST_OFFSETS, FIND_COORDINATOR = 18, 3, 0, 1, 2, 10
DESCRIBE_CONFIGS, CREATE_TOPICS, JOIN_GROUP, OFFSET_COMMIT, INIT_PRODUCER_ID = 32, 19, 11, 8, 22


# --- the protocol, as little of it as the cases need ---------------------------------------------------------------

def string(text):
    return struct.pack(">h", len(text)) + text.encode()


def array(items):
    return struct.pack(">i", len(items)) + b"".join(items)


def request(key, version, body, correlation=1, flexible=False):
    frame = struct.pack(">hhi", key, version, correlation) + string("hostile") + (b"\0" if flexible else b"") + body
    return struct.pack(">i", len(frame)) + frame


def connect(timeout=10.0, receive_buffer=None, port=PORT):
    s = socket.socket()
    if receive_buffer:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    s.settimeout(timeout)
    s.connect(("127.0.0.1", port))
    return s


def read_exactly(s, size):
    data = b""
    while len(data) < size:
        piece = s.recv(size - len(data))
        if not piece:
            raise ConnectionError("closed")
        data += piece
    return data


def read_answer(s):
    return read_exactly(s, struct.unpack(">i", read_exactly(s, 4))[0])


def ask(key, version, body, flexible=False):
    with connect() as s:
        s.sendall(request(key, version, body, flexible=flexible))
        return read_answer(s)


def is_closed(s, seconds):
    """Whether the broker closed the connection; answers before that are read and forgotten."""
    s.settimeout(seconds)
    try:
        while s.recv(65536):
            pass
        return True
    except (ConnectionError, BrokenPipeError):
        return True
    except (TimeoutError, socket.timeout):
        return False


def crc32c_table():
    table = []
    for n in range(256):
        for _ in range(8):
            n = (n >> 1) ^ (0x82F63B78 if n & 1 else 0)
        table.append(n)
    return table


CRC_TABLE = crc32c_table()


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = CRC_TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


def varint(value):
    value = (value << 1) ^ (value >> 63)
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def record(offset, value):
    body = b"\0" + varint(0) + varint(offset) + varint(-1) + varint(len(value)) + value + varint(0)
    return varint(len(body)) + body


def batch(records, number, attributes=0, producer=(-1, -1, -1), **lies):
    f = dict(base=0, epoch=-1, magic=2, delta=number - 1, first=1000, last=1000, count=number, length=None, crc=None)
    f.update(lies)
    now = int(time.time() * 1000)
    tail = struct.pack(">hiqqqhii", attributes, f["delta"], now + f["first"] - 1000, now + f["last"] - 1000, *producer,
                       f["count"]) + records
    crc = crc32c(tail) if f["crc"] is None else f["crc"]
    length = len(tail) + 9 if f["length"] is None else f["length"]
    return struct.pack(">qiibI", f["base"], length, f["epoch"], f["magic"], crc) + tail


def produce_body(topic, rows, acks=-1):
    parts = [struct.pack(">ii", index, len(data)) + data for index, data in rows]
    return struct.pack(">hhi", -1, acks, 10000) + array([string(topic) + array(parts)])


def produce(topic, data, partition=0):
    """The error code for one batch."""
    answer = ask(PRODUCE, 7, produce_body(topic, [(partition, data)]))
    at = 4 + 4 + 2 + len(topic) + 4 + 4
    return struct.unpack_from(">h", answer, at)[0]


def metadata(topics, create=True):
    names = struct.pack(">i", -1) if topics is None else array([string(t) for t in topics])
    return ask(METADATA, 4, names + bytes([create]))


# --- how the daemon does --------------------------------------------------------------------------------------------

def rss_mib():
    with open(f"/proc/{PID}/statm") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") >> 20


def descriptors():
    return len(os.listdir(f"/proc/{PID}/fd"))


def answer_seconds():
    begun = time.monotonic()
    ask(API_VERSIONS, 0, b"")
    return time.monotonic() - begun


def echo(listener):
    """Gives every connection back what it sends."""
    def serve(s):
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while data := s.recv(65536):
            s.sendall(data)
    while True:
        threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()


class Machine:
    """A server of a few lines beside the daemon: how long its answers take is what the machine itself makes clients wait."""

    def __init__(self):
        listener = socket.create_server(("127.0.0.1", 0))
        self.port = listener.getsockname()[1]
        multiprocessing.Process(target=echo, args=(listener,), daemon=True).start()
        self.watcher = Watcher(self.port)


class Watcher:
    """A well-meaning client in a process of its own: asks over a few connections, which both shards have, all the time."""

    LATEST = 1 << 16

    def __init__(self, port=PORT):
        self.port = port
        self.slowest = multiprocessing.Value("d", 0.0)
        self.answers = multiprocessing.Value("l", 0)
        self.waits = multiprocessing.Array("d", self.LATEST, lock=False)  # of the latest answers, a ring
        self.waits_end = multiprocessing.Value("l", 0)
        self.process = multiprocessing.Process(target=self.watch, daemon=True)
        self.process.start()

    def watch(self):
        connections = [connect(timeout=30, port=self.port) for _ in range(4)]
        question = request(API_VERSIONS, 0, b"")
        for s in itertools.cycle(connections):
            begun = time.monotonic()
            s.sendall(question)
            read_answer(s)
            waited = time.monotonic() - begun
            self.slowest.value = max(self.slowest.value, waited)
            self.waits[self.waits_end.value % self.LATEST] = waited
            self.waits_end.value += 1
            self.answers.value += 1
            time.sleep(0.002)

    def take(self):
        """The longest wait since the last call; None when it was not answered at all."""
        seconds, self.slowest.value = self.slowest.value, 0.0
        answers, self.answers.value = self.answers.value, 0
        return seconds if answers > 0 and self.process.is_alive() else None


    def mark(self):
        return self.waits_end.value

    def p99_since(self, mark):
        waits = sorted(self.waits[i % self.LATEST] for i in range(mark, self.waits_end.value))
        return waits[len(waits) * 99 // 100] if waits else float("inf")


def median_p99s(watchers, windows, each=0.5):
    """Of each watcher the median over windows of `each` seconds, and the most memory that the daemon had meanwhile. A
    moment in which the machine was busy elsewhere does not count."""
    found, most = [], 0
    for _ in range(windows):
        marks = [w.mark() for w in watchers]
        time.sleep(each)
        found.append([w.p99_since(mark) for w, mark in zip(watchers, marks)])
        most = max(most, rss_mib())
    return [sorted(p99s)[windows // 2] for p99s in zip(*found)], most


watcher = None
problems = []
peak = 0
slowest = 0.0


def check(fact, what):
    if not fact:
        problems.append(what)
        print(f"  WRONG: {what}", flush=True)


def still_well(case, descriptors_before, watcher):
    """Asked after each case. Closing takes the daemon a moment, so the descriptors may."""
    global peak, slowest
    seconds = watcher.take()
    check(seconds is not None, f"{case}: the good client is not answered any more")
    slowest = max(slowest, seconds or 0.0)
    check((seconds or 0.0) < ANSWER_SECONDS_MAX, f"{case}: a good client waited {seconds} s")
    try:
        check(answer_seconds() < ANSWER_SECONDS_MAX, f"{case}: a new good client waits")
        check(produce("good", batch(record(0, b"good"), 1)) == 0, f"{case}: a good record is not taken")
    except OSError as error:
        check(False, f"{case}: a good client is not answered: {error}")
    deadline = time.monotonic() + 7
    while descriptors() > descriptors_before + 8 and time.monotonic() < deadline:
        time.sleep(0.05)
    check(descriptors() <= descriptors_before + 8, f"{case}: {descriptors()} descriptors, {descriptors_before} before")
    peak = max(peak, rss_mib())
    check(rss_mib() < RSS_MIB_MAX, f"{case}: {rss_mib()} MiB of memory")


# --- the cases -------------------------------------------------------------------------------------------------------

def all_versions():
    answer = ask(API_VERSIONS, 0, b"")
    error, count = struct.unpack_from(">hi", answer, 4)
    check(error == 0, "ApiVersions v0 fails")
    return [struct.unpack_from(">hhh", answer, 10 + 6 * i) for i in range(count)]


def every_api_with_garbage():
    """Every API in every version: nothing, noise, lengths that lie; and one below and one above what is served."""
    noise = [b"", b"\0", b"\xff" * 40, bytes(range(256)), b"\x7f\xff\xff\xff" * 12, b"\0" * 300]
    for key, low, high in all_versions():
        for version in range(max(low - 1, 0), high + 2):
            bodies = noise + [rng.randbytes(rng.randrange(1, 200)) for _ in range(4)]
            with connect() as s:
                for flexible in (False, True):
                    for body in bodies:
                        try:
                            s.sendall(request(key, version, body, flexible=flexible))
                        except OSError:
                            s.close()
                            s = connect()
                s.close()


def unknown_apis_and_versions():
    for key in (-1, 4, 5, 6, 7, 17, 24, 36, 88, 999, 32767, -32768):
        with connect() as s:
            s.sendall(request(key, 0, b""))
            check(is_closed(s, 5), f"API {key} is not refused")
    for version in (99, 32767, -1):
        answer = ask(API_VERSIONS, version, b"", flexible=version > 0)
        correlation, error, count = struct.unpack_from(">ihi", answer)
        check((correlation, error) == (1, 35) and count > 20, f"ApiVersions v{version} is not answered in version 0")
    with connect() as s:
        s.sendall(request(FETCH, 99, b""))
        check(is_closed(s, 5), "Fetch v99 is not refused")
    for version in (0, 1, 2):
        body = struct.pack(">hi", 1, 1000) + array([string("t") + array([struct.pack(">ii", 0, 4) + b"oldy"])])
        answer = ask(PRODUCE, version, body)
        check(struct.unpack_from(">h", answer, 4 + 4 + 3 + 4 + 4)[0] == 35, f"Produce v{version}: not UNSUPPORTED_VERSION")


def lengths_that_lie():
    for length in (-1, -2147483648, 0, 1, 7, 2147483647, 104857601):
        with connect() as s:
            s.sendall(struct.pack(">i", length) + b"\0" * 16)
            check(is_closed(s, 5), f"a frame of {length} bytes is not refused")
    # 300 connections each promise 100 MiB and send 64 KiB: memory follows what came, not what was promised.
    before = rss_mib()
    promised = [connect() for _ in range(300)]
    for s in promised:
        s.sendall(struct.pack(">i", 104857600) + b"\0" * 65536)
    answer_seconds()
    check(rss_mib() - before < 150, f"300 promises of 100 MiB took {rss_mib() - before} MiB")
    for s in promised:
        s.close()


def half_frames():
    """Cut at every byte of a good frame; and in the middle of a large one."""
    good = request(METADATA, 4, array([string("good")]) + b"\0")
    for cut in range(len(good)):
        with connect() as s:
            s.sendall(good[:cut])
    large = request(PRODUCE, 7, produce_body("good", [(0, b"\0" * 500000)]))
    for cut in (1000, 65536, 300000):
        with connect() as s:
            s.sendall(large[:cut])
    # Reset instead of closed.
    for _ in range(50):
        s = connect()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        s.sendall(good * 20 + good[:9])
        s.close()


def send_part_of_a_frame(announced, sent):
    """For ever: when it is closed it comes again."""
    piece = b"\0" * min(sent, 1 << 20)
    while True:
        try:
            with connect(timeout=None) as s:
                s.sendall(struct.pack(">i", announced))
                for _ in range(sent // len(piece)):
                    s.sendall(piece)
                s.recv(1)
        except OSError:
            time.sleep(0.01)


def send_parts_of_frames(connections, announced, sent):
    for _ in range(connections):
        threading.Thread(target=send_part_of_a_frame, args=(announced, sent), daemon=True).start()
    threading.Event().wait()


def frames_without_end():
    """What is sent of a frame counts from its first byte: memory stays under its bound, who sends small requests hardly
    notices, a large frame of good will comes through, and afterwards the memory is the machine's again."""
    before = rss_mib()
    machine = Machine()
    good_will = request(PRODUCE, 7, produce_body("good", [(0, batch(record(0, b"x" * (1 << 20)), 1))]))
    for connections, announced, sent in ((40, 100 << 20, 90 << 20), (300, 6 << 20, 5 << 20), (1000, 2 << 20, 1 << 20)):
        (alone,), _ = median_p99s([watcher], windows=5)
        attack = multiprocessing.Process(target=send_parts_of_frames, args=(connections, announced, sent), daemon=True)
        attack.start()
        (beside, of_machine), most = median_p99s([watcher, machine.watcher], windows=9)
        begun = time.monotonic()
        with connect(timeout=60) as s:
            s.sendall(good_will)
            error = struct.unpack_from(">h", read_answer(s), 4 + 4 + 2 + len("good") + 4 + 4)[0]
        large = time.monotonic() - begun
        attack.kill()
        attack.join()
        what = f"{connections} connections that send {sent >> 20} of {announced >> 20} MiB"
        print(f"  {what}: {most} MiB ({before} before); p99 of a good client {alone * 1000:.2f} ms alone, {beside * 1000:.2f} ms "
              f"beside them ({of_machine * 1000:.2f} ms of an idle server there); 1 MiB of good will took {large:.1f} s")
        # queued.max.request.bytes, a frame beyond it, 16 KiB of each connection, and what the C library keeps of them.
        check(most < 512, f"{what}: {most} MiB of memory")
        # The attackers need the processor too, and everybody on the machine waits for it.
        check(beside <= 5 * max(alone, of_machine, 1e-3), f"{what}: the p99 of a good client is {beside * 1000:.1f} ms")
        check(error == 0, f"{what}: a record of 1 MiB is answered with {error}")
        check(large < 20, f"{what}: a record of 1 MiB took {large:.1f} s")
        deadline = time.monotonic() + 20
        while rss_mib() > before + 64 and time.monotonic() < deadline:
            time.sleep(0.1)
        check(rss_mib() <= before + 64, f"{what}: {rss_mib()} MiB stay, {before} before")


def slow_drip():
    """A good request byte by byte is answered; hundreds that never finish cost little and keep nobody waiting."""
    good = request(API_VERSIONS, 0, b"")
    with connect() as s:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for i in range(len(good)):
            s.sendall(good[i:i + 1])
            time.sleep(0.002)
        read_answer(s)
    before = rss_mib()
    drips = [connect() for _ in range(500)]
    for byte in good[:10]:
        for s in drips:
            s.sendall(bytes([byte]))
    check(answer_seconds() < ANSWER_SECONDS_MAX, "slow senders keep a good client waiting")
    check(rss_mib() - before < 50, f"500 slow senders take {rss_mib() - before} MiB")
    for s in drips:
        s.close()


def many_connections():
    """Up to max.connections (10,000); those above are closed, those below served, and there is room again afterwards."""
    many = []
    closed = 0
    begun = time.monotonic()
    for _ in range(10200):
        many.append(connect())
    seconds = time.monotonic() - begun
    before = rss_mib()
    good = request(API_VERSIONS, 0, b"")
    for s in many:
        try:
            s.sendall(good)
        except OSError:
            closed += 1
    answered = 0
    for s in many:
        s.settimeout(5)
        try:
            read_answer(s)
            answered += 1
        except OSError:
            pass
    check(9900 <= answered <= 10000, f"{answered} of 10,200 connections are served; max.connections is 10,000")
    print(f"  10,200 connections in {seconds:.1f} s, {answered} served, {rss_mib()} MiB ({before} before they asked)")
    for s in many:
        s.close()
    deadline = time.monotonic() + 10
    while descriptors() > 500 and time.monotonic() < deadline:
        time.sleep(0.05)


def never_reads():
    """A peer that asks for much and reads nothing: what waits for it is bounded, and it is not served on."""
    names = [f"none-{i}" for i in range(2000)]
    before = rss_mib()
    peers = [connect(receive_buffer=4096) for _ in range(8)]
    ask_all = request(METADATA, 4, array([string(n) for n in names]) + b"\0")
    for s in peers:
        s.setblocking(False)
    sent = 0
    deadline = time.monotonic() + 3
    while time.monotonic() < deadline:
        _, ready, _ = select.select([], peers, [], 0.2)
        if not ready:
            break
        for s in ready:
            try:
                sent += s.send(ask_all)
            except OSError:
                pass
    grown = rss_mib() - before
    print(f"  8 peers sent {sent >> 20} MiB of requests and read nothing: +{grown} MiB")
    check(grown < 8 * 70 + 100, f"8 peers that do not read take {grown} MiB")
    check(answer_seconds() < ANSWER_SECONDS_MAX, "peers that do not read keep a good client waiting")
    for s in peers:
        s.close()


def huge_arrays():
    """Counts of 2^31-1 and nested ones, in both encodings: refused without the memory that they claim."""
    before = rss_mib()
    most = struct.pack(">i", 0x7FFFFFFF)
    compact_most = b"\xff\xff\xff\xff\x0f"
    claims = []
    for key, low, high in all_versions():
        for version in {low, high}:
            for prefix in (b"", b"\0\0\0\1", b"\0\1", b"\0\0", string("t"), struct.pack(">hhi", -1, 1, 0)):
                claims.append(request(key, version, prefix + most * 20))
                claims.append(request(key, version, prefix + compact_most * 20, flexible=True))
    for frame in claims:
        with connect() as s:
            s.sendall(frame)
    # Nested: one topic claims 2^31-1 partitions, a million topics claim one each.
    nested = [struct.pack(">iiiib", -1, 0, 0, 0, 0) + array([string("t") + most]),
              struct.pack(">iiiib", -1, 0, 0, 0, 0) + array([b"\0\0\0\0\0\0"] * 1000000)]
    for body in nested:
        with connect() as s:
            s.sendall(request(FETCH, 4, body))
            is_closed(s, 10)
    # What is really there is bounded too: a million names are more than one request may list.
    for count in (1000000, 5000000):
        with connect() as s:
            try:
                s.sendall(request(METADATA, 4, array([b"\0\1x"] * count) + b"\0"))
            except OSError:
                pass
            check(is_closed(s, 10), f"{count} topics in one request are not refused")
    check(rss_mib() - before < 300, f"huge arrays took {rss_mib() - before} MiB")


def many_names():
    """10,000 topics at once, all unknown; then the same one 100,000 times."""
    names = [f"wanted-{i}" for i in range(10000)]
    answer = metadata(names, create=False)
    check(len(answer) > 10000 * 10, "10,000 names are not answered")
    answer = metadata(["good"] * 100000, create=False)
    check(len(answer) < 10000, f"a topic named 100,000 times makes an answer of {len(answer)} bytes")
    resources = array([b"\2" + string("good") + struct.pack(">i", -1)] * 50000)
    answer = ask(DESCRIBE_CONFIGS, 1, resources + b"\1")
    check(len(answer) < 100000, f"DescribeConfigs of the same topic 50,000 times: {len(answer)} bytes")
    offsets = array([string("good") + array([struct.pack(">iq", 0, 5)] * 100000)])
    ask(LIST_OFFSETS, 1, struct.pack(">i", -1) + offsets)
    offsets = array([string(f"t{i}") + array([struct.pack(">iq", 0, 5) + string("")]) for i in range(60000)])
    ask(OFFSET_COMMIT, 2, string("g") + struct.pack(">i", -1) + string("") + struct.pack(">q", -1) + offsets)
    keys = [b"\x04abc"] * 50000
    ask(FIND_COORDINATOR, 4, b"\0" + uvarint(len(keys) + 1) + b"".join(keys) + b"\0", flexible=True)


def topics_on_demand():
    """A request that makes 400 topics keeps nobody waiting who works with others, and little those who make one, too."""
    with connect(timeout=60) as s:
        begun = time.monotonic()
        s.sendall(request(METADATA, 4, array([string(f"flood-{i}") for i in range(400)]) + b"\1"))
        metadata(["other"])
        check(answer_seconds() < ANSWER_SECONDS_MAX, "a flood of topics keeps a good client waiting")
        answer = read_answer(s)
        check(len(answer) > 400 * 40, "the flood of topics is not answered")
    print(f"  a request for 400 topics and another's topic took {(time.monotonic() - begun) * 1000:.0f} ms")


def uvarint(value):
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def damaged_batches():
    """Every field of a batch, damaged; then every byte of it, with and without a CRC that fits."""
    good = batch(record(0, b"value"), 1)
    check(produce("good", good) == 0, "a good batch is refused")
    lies = [dict(length=0), dict(length=-1), dict(length=2147483647), dict(length=20), dict(length=len(good)), dict(crc=1),
            dict(magic=0), dict(magic=1), dict(magic=3), dict(magic=-1), dict(count=0), dict(count=-1), dict(count=2),
            dict(count=2147483647), dict(delta=5), dict(delta=-1), dict(delta=2147483647),
            dict(first=2**62), dict(last=-2**62, first=2**62)]
    for lie in lies:
        check(produce("good", batch(record(0, b"value"), 1, **lie)) not in (0, -1), f"a batch with {lie} is taken")
    for attributes in (5, 6, 7, 0x20, 0x10, 0x40, 0x80, 0x8000 - 0x10000, 8):
        check(produce("good", batch(record(0, b"v"), 1, attributes)) != 0, f"attributes {attributes:#x} are taken")
    for producer in ((-2, 0, 0), (5, -1, 0), (5, 0, -1), (2**63 - 1, -1, -1)):
        check(produce("good", batch(record(0, b"v"), 1, producer=producer)) != 0, f"producer {producer} is taken")
    for bad in (b"", varint(-1), varint(2**31 - 1), varint(5) + b"\0", b"\xff" * 11, record(1, b"v"), record(0, b"v") * 2,
                record(0, b"v") + b"x", varint(6) + b"\0" + varint(0) + varint(0) + varint(-1) + varint(2**30) + b"\0",
                varint(7) + b"\0" + varint(0) + varint(0) + varint(-1) + varint(0) + varint(-1) + b"\0",
                varint(7) + b"\0" + varint(0) + varint(0) + varint(-1) + varint(0) + varint(1000000) + b"\0"):
        check(produce("good", batch(bad, 1)) != 0, f"records {bad[:12]!r} are taken")
    with connect() as s:
        for at in range(8, len(good)):  # the base offset is the broker's to set
            damaged = bytearray(good)
            damaged[at] ^= 1 << rng.randrange(8)
            s.sendall(request(PRODUCE, 7, produce_body("good", [(0, bytes(damaged))]), correlation=at))
            answer = read_answer(s)
            # The leader epoch (12 to 15) is the broker's too.
            if at < 12 or at > 15:
                check(struct.unpack_from(">h", answer, 4 + 4 + 2 + 4 + 4 + 4)[0] != 0, f"byte {at} damaged: taken")
        for at in range(21, len(good)):
            damaged = bytearray(good)
            damaged[at] ^= 1 << rng.randrange(8)
            damaged[17:21] = struct.pack(">I", crc32c(damaged[21:]))
            s.sendall(request(PRODUCE, 7, produce_body("good", [(0, bytes(damaged))]), correlation=at))
            read_answer(s)
    for size in (0, 1, 11, 12, 60, 61, len(good) - 1):
        check(produce("good", good[:size]) != 0, f"{size} bytes of a batch are taken")
    check(produce("good", good + good) != 0, "two batches in one partition are taken")


# --- bombs: each codec's own format, made by hand, 100 MB behind a few thousand bytes -------------------------------

def xxh32(data):
    p1, p2, p3, p4, p5 = 2654435761, 2246822519, 3266489917, 668265263, 374761393
    mask = 0xFFFFFFFF
    assert len(data) < 16
    h = (p5 + len(data)) & mask
    while len(data) >= 4:
        h = (h + struct.unpack_from("<I", data)[0] * p3) & mask
        h = ((h << 17 | h >> 15) & mask) * p4 & mask
        data = data[4:]
    for byte in data:
        h = (h + byte * p5) & mask
        h = ((h << 11 | h >> 21) & mask) * p1 & mask
    h = (h ^ h >> 15) * p2 & mask
    h = (h ^ h >> 13) * p3 & mask
    return h ^ h >> 16


def gzip_bomb(size):
    return gzip.compress(b"\0" * size, 9)


def zstd_bomb(size):
    blocks = size // 131072
    out = struct.pack("<I", 0xFD2FB528) + bytes([0x00, 0x68])  # window of 8 MiB, no content size
    for i in range(blocks):
        out += struct.pack("<I", (131072 << 3) | (1 << 1) | (i == blocks - 1))[:3] + b"\0"  # an RLE block
    return out


def lz4_bomb(size):
    descriptor = bytes([0x60, 0x70])  # version 1, independent blocks of 4 MiB
    out = struct.pack("<I", 0x184D2204) + descriptor + bytes([xxh32(descriptor) >> 8 & 0xFF])
    match = 4 * 1024 * 1024 - 64
    block = bytes([0x1F]) + b"\0" + struct.pack("<H", 1) + b"\xff" * ((match - 19) // 255) + bytes([(match - 19) % 255])
    block += bytes([0x50]) + b"\0" * 5
    return out + (struct.pack("<I", len(block)) + block) * (size // (match + 6)) + struct.pack("<I", 0)


def snappy_bomb(size):
    """Raw snappy: one literal byte, then copies of 64."""
    copies = size // 64
    return uvarint(1 + 64 * copies) + b"\0\0" + struct.pack("<BH", (63 << 2) | 2, 1) * copies


def snappy_liar():
    return uvarint(2**32 - 1) + b"\0\0" + struct.pack("<BH", (63 << 2) | 2, 1) * 10


def bombs():
    before = rss_mib()
    large = 100 << 20
    made = [("gzip", 1, gzip_bomb(large)), ("snappy", 2, snappy_bomb(15 << 20)), ("snappy that lies", 2, snappy_liar()),
            ("lz4", 3, lz4_bomb(large)), ("zstd", 4, zstd_bomb(large)), ("nested gzip", 1, gzip.compress(gzip_bomb(large)))]
    for name, codec, data in made:
        seconds = time.monotonic()
        error = produce("good", batch(data, 1, codec))
        seconds = time.monotonic() - seconds
        print(f"  {name}: {len(data)} bytes, error {error} after {seconds * 1000:.0f} ms")
        check(error in (10, 87, 2), f"a {name} bomb is answered with {error}")
        check(rss_mib() - before < 200, f"a {name} bomb took {rss_mib() - before} MiB")
    # Garbage, and good streams cut at many places.
    for codec, stream in ((1, gzip.compress(b"x" * 1000)), (3, lz4_bomb(5 << 20)[:2000]), (4, zstd_bomb(1 << 20))):
        for cut in range(0, min(len(stream), 40)):
            check(produce("good", batch(stream[:cut], 1, codec)) != 0, f"codec {codec} cut at {cut} is taken")
    for codec, _ in itertools.product((1, 2, 3, 4), range(30)):
        check(produce("good", batch(rng.randbytes(rng.randrange(1, 300)), 1, codec)) != 0, f"codec {codec}: noise is taken")


def zstd_of(raw_begin, fill, count, raw_end, padding):
    """Zstd of raw_begin, `count` times the byte `fill`, raw_end; and a frame to skip, so that it expands by less."""
    blocks = [struct.pack("<I", (len(raw_begin) << 3))[:3] + raw_begin]
    while count > 0:
        size = min(count, 131072)
        blocks.append(struct.pack("<I", (size << 3) | (1 << 1))[:3] + fill)
        count -= size
    blocks.append(struct.pack("<I", (len(raw_end) << 3) | 1)[:3] + raw_end)
    skipped = struct.pack("<II", 0x184D2A50, padding) + b"\0" * padding
    return struct.pack("<I", 0xFD2FB528) + bytes([0x00, 0x68]) + b"".join(blocks) + skipped


def bombs_stall_nobody():
    """Good batches that unpack to 100 MB come one after the other, with a small one between; another client of the same
    shard is answered meanwhile, and what was sent in an order is in the log in that order."""
    size = 100 * 1000 * 1000
    value = rng.randbytes(1000) * 100
    packed = zlib.compressobj(9, zlib.DEFLATED, 31)
    gzipped = packed.compress(record(0, value * 1000)) + packed.flush()
    whole = record(0, b"z" * size)
    at = whole.index(b"z" * 100)
    zstd = zstd_of(whole[:at], b"z", size, whole[at + size:], 200000)
    for name, codec, stream in (("gzip", 1, gzipped), ("zstd", 4, zstd)):
        large, small = batch(stream, 1, codec), batch(record(0, b"small"), 1)
        frames = [request(PRODUCE, 7, produce_body("good", [(0, large if i % 2 == 0 else small)]), i) for i in range(20)]
        worst, offsets, received = 0.0, [], b""
        with connect(timeout=60) as bomber, connect() as good:
            good.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for frame in frames:
                bomber.sendall(frame)
            bomber.setblocking(False)
            begun = time.monotonic()
            while len(offsets) < len(frames) and time.monotonic() < begun + 60:
                asked = time.monotonic()
                good.sendall(request(API_VERSIONS, 0, b""))
                read_answer(good)
                worst = max(worst, time.monotonic() - asked)
                try:
                    received += bomber.recv(65536)
                except BlockingIOError:
                    pass
                while len(received) >= 4 and len(received) >= 4 + struct.unpack_from(">i", received)[0]:
                    error, offset = struct.unpack_from(">hq", received, 4 + 4 + 4 + 2 + len("good") + 4 + 4)
                    check(error == 0, f"a large {name} batch is refused with {error}")
                    offsets.append(offset)
                    received = received[4 + struct.unpack_from(">i", received)[0]:]
            seconds = time.monotonic() - begun
        print(f"  10 {name} batches of {len(large)} bytes, 100 MB each when unpacked: {seconds:.2f} s; "
              f"another client waited {worst * 1000:.1f} ms at most")
        check(offsets == list(range(offsets[0], offsets[0] + 20)), f"{name}: the order was lost: {offsets}")


def pipelined_without_reading():
    """Thousands of small requests in one write, each with a long wait, and the peer goes away: nothing of it stays."""
    fetch = struct.pack(">iiiib", -1, 3000, 1 << 30, 1 << 30, 0)
    fetch += array([string("good") + array([struct.pack(">iqi", 0, 0, 1 << 20)] * 1000)])
    before = rss_mib()
    peers = []
    for _ in range(20):
        s = connect()
        s.setblocking(False)
        try:
            s.send(b"".join(request(FETCH, 4, fetch, i) for i in range(200)))
        except OSError:
            pass
        peers.append(s)
    check(answer_seconds() < ANSWER_SECONDS_MAX, "parked fetches keep a good client waiting")
    check(rss_mib() - before < 100, f"parked fetches took {rss_mib() - before} MiB")
    for s in peers:
        s.close()


def groups_from_nowhere():
    """Members with large or many protocols, and 3000 groups."""
    protocols = array([string(f"p{i}") + struct.pack(">i", 0) for i in range(50000)])
    body = string("many-protocols") + struct.pack(">ii", 10000, 10000) + string("") + string("consumer") + protocols
    with connect() as s:
        s.sendall(request(JOIN_GROUP, 2, body))
        is_closed(s, 1)
    large = array([string("range") + struct.pack(">i", 20 << 20) + b"\0" * (20 << 20)])
    body = string("large") + struct.pack(">ii", 10000, 10000) + string("") + string("consumer") + large
    with connect() as s:
        s.sendall(request(JOIN_GROUP, 2, body))
        is_closed(s, 1)
    with connect() as s:
        one = array([string("range") + struct.pack(">i", 4) + b"abcd"])
        joins = [request(JOIN_GROUP, 2, string(f"group-{i}") + struct.pack(">ii", 6000, 6000) + string("") +
                         string("consumer") + one, i) for i in range(3000)]
        for at in range(0, len(joins), 50):
            s.sendall(b"".join(joins[at:at + 50]))
            for _ in range(50):
                read_answer(s)


CASES = [every_api_with_garbage, unknown_apis_and_versions, lengths_that_lie, half_frames, frames_without_end, slow_drip,
         many_connections, never_reads, huge_arrays, many_names, topics_on_demand, damaged_batches, bombs, bombs_stall_nobody,
         pipelined_without_reading, groups_from_nowhere]


def main():
    metadata(["good", "t"])
    produce("good", batch(record(0, b"first"), 1))
    ask(FIND_COORDINATOR, 0, string("g"))  # makes __consumer_offsets, whose files stay open
    global watcher
    watcher = Watcher()
    begun = time.monotonic()
    for case in CASES:
        if ONLY and case.__name__ != ONLY:
            continue
        before = descriptors()
        started = time.monotonic()
        try:
            case()
        except Exception as error:  # noqa: BLE001 - the daemon's state is what counts, and it is looked at below
            check(False, f"{case.__name__}: {type(error).__name__}: {error}")
        files = 10 if case is not topics_on_demand else 2000
        waited = watcher.slowest.value
        still_well(case.__name__, before + files, watcher)
        print(f"{case.__name__}: {time.monotonic() - started:.1f} s, {rss_mib()} MiB, {descriptors()} descriptors, "
              f"another client waited {waited * 1000:.0f} ms", flush=True)
    print(f"{time.monotonic() - begun:.0f} s; {peak} MiB at most after a case; a good client waited {slowest * 1000:.0f} ms "
          f"at most; {len(problems)} problems")
    sys.exit(1 if problems else 0)


main()
