#!/usr/bin/env python3
"""The histories of a cluster, as docs/testing.md has them: that each has a test and a mutant that are there, or a word on
what is missing, and that each mutant which only such tests find has a history.

    histories.py                    looks
    histories.py --mutants          the mutants that they name
    histories.py --tests MUTANT     a test program and a filter a line: what has to fail with it
"""

import pathlib
import re
import sys

HISTORIES = [f"1.{number}" for number in range(1, 18)]
ROW = re.compile(r"^\| (1\.\d+)\w* \| .* \| (.*) \| `(\w+)` \|$")
MISSING = re.compile(r"^\| ((?:1\.\d+(?:, )?)+) \| .* \|$")
TEST = re.compile(r"`(\w+_test)` `(\w+)\.(\w+)(\*?)`")


def section():
    text = pathlib.Path("docs/testing.md").read_text()
    return text.split("## Histories of a cluster\n", 1)[1].split("\n## ", 1)[0].splitlines()


def rows():
    """History, tests and mutant."""
    for line in section():
        if row := ROW.match(line):
            yield row.group(1), TEST.findall(row.group(2)), row.group(3)


def is_there(program, suite, name, is_beginning):
    folder = pathlib.Path("tests") / program.removesuffix("_test")
    wanted = re.compile(rf"TEST(?:_F|_P)?\(\s*{suite},\s*{name}{'' if is_beginning else '[)]'}")
    return any(wanted.search(path.read_text()) for path in folder.glob("*_test.cc"))


def problems():
    found_by = dict(re.findall(r'^    \{"(\w+)", ".*"(?:, FoundBy::(\w+))?\},', pathlib.Path("lib/base/mutant.h").read_text(), re.MULTILINE))
    named = set()
    told = {history for line in section() if (row := MISSING.match(line)) for history in row.group(1).split(", ")}
    for history, tests, mutant in rows():
        told.add(history)
        named.add(mutant)
        if mutant not in found_by:
            yield f"{history}: there is no mutant {mutant}"
        if not tests:
            yield f"{history}: it has no test"
        for program, suite, name, star in tests:
            if not is_there(program, suite, name, star):
                yield f"{history}: {program} has no test {suite}.{name}{star}"
    for history in HISTORIES:
        if history not in told:
            yield f"docs/testing.md says nothing of history {history}"
    for mutant, way in found_by.items():
        if way == "test" and mutant not in named:
            yield f"mutant {mutant} is found by tests, and docs/testing.md names none"


def main():
    if sys.argv[1:2] == ["--mutants"]:
        print("\n".join(sorted({mutant for _, _, mutant in rows()})))
    elif sys.argv[1:2] == ["--tests"]:
        for _, tests, mutant in rows():
            for program, suite, name, star in tests if mutant == sys.argv[2] else []:
                print(program, f"{suite}.{name}{star}:*/{suite}.{name}{star}/*")
    else:
        found = [f"docs/testing.md: {problem}" for problem in problems()]
        print("\n".join(found))
        sys.exit(1 if found else 0)


main()
