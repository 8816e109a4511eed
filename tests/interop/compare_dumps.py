#!/usr/bin/env python3
"""compare_dumps.py LOG... <DUMP: what Kafka's dump tool and `mqctl segment dump` say of the same files is the same.

DUMP is what DumpLogSegments --deep-iteration --print-data-log prints of the LOGs, in their order. Prints how much was compared;
the first difference ends it with exit 1.
"""

import base64
import csv
import itertools
import json
import re
import subprocess
import sys

BATCH = re.compile(
    r"baseOffset: (?P<base_offset>\d+) lastOffset: (?P<last_offset>\d+) count: (?P<records>\d+) "
    r"baseSequence: (?P<first_sequence>-?\d+) lastSequence: (?P<last_sequence>-?\d+) producerId: (?P<producer_id>-?\d+) "
    r"producerEpoch: (?P<producer_epoch>-?\d+) partitionLeaderEpoch: (?P<epoch>-?\d+) .*?"
    r"isTransactional: (?P<transactional>\w+) isControl: (?P<control>\w+) .*?position: (?P<position>\d+) "
    r"(?P<time_type>CreateTime|LogAppendTime): (?P<max_time>-?\d+) size: (?P<size_bytes>\d+) magic: 2 "
    r"compresscodec: (?P<codec>\w+) crc: (?P<crc>\d+) isvalid: true")
RECORD = re.compile(
    r"\| offset: (?P<offset>\d+) (?P<time_type>CreateTime|LogAppendTime): (?P<ts>-?\d+) keySize: (?P<key_size>-?\d+) "
    r"valueSize: (?P<value_size>-?\d+) sequence: -?\d+ headerKeys: \[(?P<headers>.*?)\] ?(?P<rest>.*)", re.DOTALL)
TIME_TYPES = {"create": "CreateTime", "append": "LogAppendTime"}
MARKERS = {b"\0\0\0\0": "ABORT", b"\0\0\0\1": "COMMIT"}


def dumped(text):
    """What Kafka said of each file: ([batch], [record]), each a dictionary of texts."""
    files = []
    # A value may hold line ends; a line of the dump's own begins with one of these.
    for line in re.split(r"\n(?=Dumping |Log starting|baseOffset: |\| offset: )", text.rstrip("\n")):
        if line.startswith("Dumping "):
            files.append(([], []))
        elif line.startswith(("baseOffset: ", "| offset: ")):
            is_batch = line.startswith("base")
            found = (BATCH if is_batch else RECORD).match(line)
            if not found:
                sys.exit(f"Kafka says something that this script does not know: {line}")
            files[-1][0 if is_batch else 1].append(found.groupdict())
    return files


def dump(path, *options):
    return subprocess.run(["mqctl", "segment", "dump", *options, path], check=True, capture_output=True).stdout.decode()


def our_batches(path):
    for row in csv.DictReader(dump(path, "--output", "tsv").split("\n"), delimiter="\t", quoting=csv.QUOTE_NONE):
        row = {name: text or "-1" for name, text in row.items()}
        row["crc"] = str(int(row["crc"], 16))
        row["time_type"] = TIME_TYPES[row["time_type"]]
        yield row


def field(record, name):
    if f"{name}_b64" in record:
        return base64.b64decode(record[f"{name}_b64"])
    return None if record[name] is None else record[name].encode()


def our_records(path):
    for line in dump(path, "-J").splitlines():
        record = json.loads(line)
        key, value = field(record, "key"), field(record, "value")
        size = lambda part: str(-1 if part is None else len(part))
        yield {"offset": str(record["offset"]), "ts": str(record["ts"]), "time_type": TIME_TYPES[record["ts_type"]],
               "key_size": size(key), "value_size": size(value),
               "headers": ",".join(header[0] for header in record["headers"]), "rest": (key, value)}


def with_one_replacement(text):
    """Java and Python put different numbers of replacement characters for the same bytes that are no UTF-8."""
    return re.sub("\ufffd+", "\ufffd", text)


def text_of(key, value, is_control):
    """Key and value as the dump tool prints them."""
    if is_control:
        return f"endTxnMarker: {MARKERS[key]} coordinatorEpoch: {int.from_bytes(value[2:6], 'big')}" if key in MARKERS else None
    parts = [f"{name}: {part.decode(errors='replace')}" for name, part in (("key", key), ("payload", value)) if part is not None]
    return " ".join(parts)


def require_same(path, what, names, kafka, ours):
    for theirs, own in itertools.zip_longest(kafka, ours):
        for name in names:
            if theirs is None or own is None or theirs[name] != own[name]:
                sys.exit(f"{path}: a {what} differs in {name}:\n Kafka {theirs}\n mqctl {own}")


def main():
    files = dumped(sys.stdin.buffer.read().decode(errors="replace"))
    if len(files) != len(sys.argv) - 1:
        sys.exit(f"{len(files)} dumps of {len(sys.argv) - 1} files")
    batch_count = record_count = 0
    for path, (batches, records) in zip(sys.argv[1:], files):
        require_same(path, "batch", BATCH.groupindex, batches, our_batches(path))
        controls = {str(offset) for batch in batches if batch["control"] == "true"
                    for offset in range(int(batch["base_offset"]), int(batch["last_offset"]) + 1)}
        ours = list(our_records(path))
        for theirs, own in zip(records, ours):
            text = text_of(*own["rest"], own["offset"] in controls)
            theirs["rest"] = with_one_replacement(theirs["rest"])
            # A control record of the metadata log is none that we know by name.
            own["rest"] = theirs["rest"] if text is None else with_one_replacement(text)
        require_same(path, "record", RECORD.groupindex, records, ours)
        batch_count += len(batches)
        record_count += len(records)
    print(f"{len(files)} files, {batch_count} batches, {record_count} records: the same")


main()
