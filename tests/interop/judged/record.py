"""The body of a record of a judged run: its partition, its value, filling whose length depends on the value, and a check sum
of all that. The programs in java/ and franz/ write and read the same."""

import zlib


def body(partition, value):
    text = f"{partition} {value} {'.' * (value % 180)} "
    return f"{text}{zlib.crc32(text.encode()):08x}".encode()


def as_read(offset, data, epoch=None):
    """A record as the answer to a poll has it."""
    place = [offset, None] if epoch is None else [offset, None, epoch]
    try:
        text = data.decode()
        partition, value = text.split(" ", 2)[:2]
        place[1] = int(value)
    except (AttributeError, UnicodeDecodeError, ValueError):
        return place + [{"bad": "no body of ours"}]
    sound = text[-8:] == f"{zlib.crc32(text[:-8].encode()):08x}"
    return place + [{"tp": partition} if sound else {"tp": partition, "bad": "check sum"}]
