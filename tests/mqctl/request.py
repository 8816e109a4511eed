#!/usr/bin/env python3
"""What our tools do not ask for: request.py HOST:PORT commit GROUP TOPIC OFFSET | delete TOPIC OFFSET | append TOPIC TIME...

Partition 0 of TOPIC: commits an offset whatever the log has, deletes the records below one, appends a batch of records with
these times in ms since 1970, -1 for none, which are their values too.
"""

import os
import socket
import struct
import sys

PRODUCE, OFFSET_COMMIT, DELETE_RECORDS = 0, 8, 21


def string(text):
    return struct.pack(">h", len(text)) + text.encode()


def array(*items):
    return struct.pack(">i", len(items)) + b"".join(items)


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def varint(value):
    value = value << 1 ^ value >> 63
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def record(index, delta, value):
    body = b"\0" + varint(delta) + varint(index) + varint(-1) + varint(len(value)) + value + varint(0)
    return varint(len(body)) + body


def batch(times, value=None):
    """A record for each of the times, which are their values unless there is one for all."""
    records = b"".join(record(i, time - times[0], value or str(time).encode()) for i, time in enumerate(times))
    tail = struct.pack(">hiqqqhii", 0, len(times) - 1, times[0], max(times), -1, -1, -1, len(times)) + records
    return struct.pack(">qiibI", 0, len(tail) + 9, -1, 2, crc32c(tail)) + tail


def request(words):
    """Key, version, body, and how many bytes from the end the error code stands in the answer."""
    match words:
        case ["commit", group, topic, offset]:
            place = struct.pack(">iq", 0, int(offset)) + string("")
            member = string(group) + struct.pack(">i", -1) + string("")
            return OFFSET_COMMIT, 2, member + struct.pack(">q", -1) + array(string(topic) + array(place)), 2
        case ["delete", topic, offset]:
            place = struct.pack(">iq", 0, int(offset))
            return DELETE_RECORDS, 0, array(string(topic) + array(place)) + struct.pack(">i", 10000), 2
        case ["append", topic, *times]:
            data = batch([int(time) for time in times])
            rows = array(string(topic) + array(struct.pack(">ii", 0, len(data)) + data))
            return PRODUCE, 7, struct.pack(">hhi", -1, -1, 10000) + rows, 30
    sys.exit(__doc__)


def main():
    host, port = sys.argv[1].rsplit(":", 1)
    key, version, body, error_at = request(sys.argv[2:])
    frame = struct.pack(">hhi", key, version, 1) + string(os.path.basename(sys.argv[0])) + body
    with socket.create_connection((host, int(port)), 30) as s, s.makefile("rb") as answers:
        s.sendall(struct.pack(">i", len(frame)) + frame)
        answer = answers.read(struct.unpack(">i", answers.read(4))[0])
    error = struct.unpack_from(">h", answer, len(answer) - error_at)[0]
    sys.exit(f"the broker answered error {error}" if error else 0)


if __name__ == "__main__":
    main()
