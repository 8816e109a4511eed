#!/usr/bin/env python3
"""Lays the answers of Kafka and mqd side by side.

  compare_answers.py KAFKA MQD <KNOWN

Both files have a line for each place of each answer: question | place | value. KNOWN has regular expressions, one a line, each
for whole lines "question | place | Kafka's value | mqd's value"; a line that begins with # says why. Fails when a difference
matches none of them, or one of them no difference.
"""

import re
import sys

SHOWN_MAX = 60
NOTHING = "nothing"


def answers(path):
    with open(path, encoding="utf-8") as lines:
        return dict(line.rstrip("\n").rsplit(" | ", 1) for line in lines)


def differences(kafka, mqd):
    for place in list(kafka) + [place for place in mqd if place not in kafka]:
        values = kafka.get(place, NOTHING), mqd.get(place, NOTHING)
        if values[0] != values[1]:
            yield " | ".join((place, *values))


def main():
    kafka, mqd = (answers(path) for path in sys.argv[1:3])
    known = {line: re.compile(line) for line in sys.stdin.read().splitlines() if line and not line.startswith("#")}
    unused = set(known)
    unknown = []
    for line in differences(kafka, mqd):
        matching = {text for text, pattern in known.items() if pattern.fullmatch(line)}
        unused -= matching
        if not matching:
            unknown.append(line)
    for line in unknown[:SHOWN_MAX]:
        print(line)
    if len(unknown) > SHOWN_MAX:
        print(f"... and {len(unknown) - SHOWN_MAX} more")
    for text in sorted(unused):
        print(f"does not differ any more: {text}")
    questions = len({place.split(" | ")[0] for place in kafka})
    print(f"{questions} questions, {len(kafka)} places: {len(unknown)} differences without a reason, {len(unused)} reasons without one")
    return 1 if unknown or unused or not questions else 0


if __name__ == "__main__":
    sys.exit(main())
