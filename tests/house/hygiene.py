#!/usr/bin/env python3
"""What no file of the tree may hold: loose ends, names of machines and registries, names that say nothing, rules that
docs/rules.md does not have."""

import pathlib
import re
import subprocess
import sys

LOOSE_ENDS = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")
PLACES = re.compile(r"(?<![\w.])/(work|root|Users)/|\.\./shared\b|\b(repo\.maven|repo1\.maven|registry\.npmjs|proxy\.golang|pypi\.org)")
EMPTY_NAMES = re.compile(r"(^|_)(util|utils|helper|helpers|manager|common|misc)(_|$)")
RULE = re.compile(r"(?<![\w-])[A-Z]-\d{1,2}(?![\w-])")
COMMENT = re.compile(r"(//|(?<!\S)#(?!include)).*")
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


def unknown_rules(paths):
    known = set(re.findall(r"^\| ([A-Z]-\d+) \|", pathlib.Path("docs/rules.md").read_text(), re.MULTILINE))
    named = {}
    for path in paths:
        if path.suffix not in {".h", ".cc", ".py", ".sh"}:
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            comment = COMMENT.search(line)
            for rule in RULE.findall(comment.group()) if comment else []:
                named.setdefault(rule, f"{path}:{number}")
    problems = [f"{place}: the rule {rule} does not stand in docs/rules.md" for rule, place in named.items() if rule not in known]
    return problems + [f"docs/rules.md: no comment names {rule}" for rule in sorted(known - named.keys())]


def format_problems(paths):
    sources = [str(p) for p in paths if p.suffix in {".h", ".cc"}]
    checked = subprocess.run(["clang-format-19", "--dry-run", *sources], capture_output=True, text=True)
    files = sorted({line.split(":")[0] for line in checked.stderr.splitlines() if "code should be clang-formatted" in line})
    return [f"{name}: not formatted; clang-format-19 -i {name}" for name in files]


def main():
    paths = tree()
    problems = [problem for path in paths for problem in problems_of(path)] + unknown_rules(paths) + format_problems(paths)
    print("\n".join(problems))
    sys.exit(1 if problems else 0)


main()
