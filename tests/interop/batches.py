#!/usr/bin/env python3
"""Looks at record batches in the bytes of segment files.

  batches.py [--codec NAME] [--idempotent|--plain] [--records N] PARTITION-FOLDER...

Fails unless every batch is compressed as --codec says, carries a producer id and sequences without a gap (--idempotent) or
no producer id (--plain), offsets follow each other, and the folders hold N records altogether.
"""

import argparse
import pathlib
import struct
import sys

CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
# base offset, length | leader epoch, magic, crc, attributes, last offset delta, two timestamps, producer id, its epoch, sequence, count
HEADER = struct.Struct(">qi ibIhiqqqhii")
LOG_OVERHEAD = 12


class Batch:
    def __init__(self, fields):
        (self.base, self.length, _, self.magic, _, attributes, last_delta, _, _, self.producer, self.epoch, self.sequence,
         self.count) = fields
        self.codec = CODECS[attributes & 7]
        self.last = self.base + last_delta


def batches(folder):
    for segment in sorted(pathlib.Path(folder).glob("*.log")):
        data = segment.read_bytes()
        at = 0
        while at + HEADER.size <= len(data):
            batch = Batch(HEADER.unpack_from(data, at))
            if batch.length <= 0:
                break  # space that the open segment has ahead
            yield batch
            at += LOG_OVERHEAD + batch.length


def problems(folder, batch_list, wanted):
    next_offset = None
    next_sequence = {}
    for batch in batch_list:
        where = f"{folder}, offset {batch.base}"
        if batch.magic != 2:
            yield f"{where}: magic {batch.magic}"
        if next_offset is not None and batch.base != next_offset:
            yield f"{where}: follows offset {next_offset - 1}"
        next_offset = batch.last + 1
        if wanted.codec and batch.codec != wanted.codec:
            yield f"{where}: compressed with {batch.codec}"
        if wanted.plain and batch.producer != -1:
            yield f"{where}: producer {batch.producer}"
        if wanted.idempotent:
            producer = (batch.producer, batch.epoch)
            if batch.producer < 0 or batch.epoch < 0:
                yield f"{where}: no producer id"
            elif batch.sequence != next_sequence.get(producer, 0):
                yield f"{where}: sequence {batch.sequence} where {next_sequence.get(producer, 0)} is next"
            next_sequence[producer] = batch.sequence + batch.count


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--codec", choices=CODECS)
    parser.add_argument("--idempotent", action="store_true")
    parser.add_argument("--plain", action="store_true")
    parser.add_argument("--records", type=int)
    parser.add_argument("folders", nargs="+")
    wanted = parser.parse_args()

    found = []
    records = 0
    for folder in wanted.folders:
        batch_list = list(batches(folder))
        found += problems(folder, batch_list, wanted)
        records += sum(batch.count for batch in batch_list)
    if records == 0 or wanted.records not in (None, records):
        found.append(f"{records} records in {' '.join(wanted.folders)}, wanted {wanted.records}")
    print("\n".join(found[:20]), end="\n" if found else "")
    sys.exit(1 if found else 0)


main()
