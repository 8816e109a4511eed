#!/usr/bin/env python3
"""What no file of the tree may hold: loose ends, names of machines and registries, names that say nothing."""

import pathlib
import re
import subprocess
import sys

LOOSE_ENDS = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")
PLACES = re.compile(r"(?<![\w.])/(work|root|Users)/|\.\./shared\b|\b(repo\.maven|repo1\.maven|registry\.npmjs|proxy\.golang|pypi\.org)")
EMPTY_NAMES = re.compile(r"(^|_)(util|utils|helper|helpers|manager|common|misc)(_|$)")
CODE = {".h", ".cc", ".py", ".sh", ".cmake", ".txt", ".go", ".java", ".js"}


def tree():
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], check=True, capture_output=True)
    return [path for name in listed.stdout.decode().split("\0") if name and (path := pathlib.Path(name)).is_file()]


def problems_of(path):
    if EMPTY_NAMES.search(path.stem) and path.suffix in CODE:
        yield f"{path}: a name that says nothing; look for the noun"
    try:
        text = path.read_text()
    except UnicodeDecodeError:
        return  # golden bytes
    is_generated = path.suffix in {".sum", ".lock"} or path.name == "package-lock.json"
    for number, line in enumerate(text.splitlines(), 1):
        if LOOSE_ENDS.search(line):
            yield f"{path}:{number}: a loose end: {line.strip()}"
        if PLACES.search(line) and not is_generated and path.name != "hygiene.py":
            yield f"{path}:{number}: a place that exists on one machine only: {line.strip()}"


def format_problems(paths):
    sources = [str(p) for p in paths if p.suffix in {".h", ".cc"}]
    checked = subprocess.run(["clang-format-19", "--dry-run", *sources], capture_output=True, text=True)
    files = sorted({line.split(":")[0] for line in checked.stderr.splitlines() if "code should be clang-formatted" in line})
    return [f"{name}: not formatted; clang-format-19 -i {name}" for name in files]


def main():
    paths = tree()
    problems = [problem for path in paths for problem in problems_of(path)] + format_problems(paths)
    print("\n".join(problems))
    sys.exit(1 if problems else 0)


main()
