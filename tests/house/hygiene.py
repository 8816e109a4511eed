#!/usr/bin/env python3
"""What no file of the tree may hold: loose ends, names of machines and registries, names that say nothing, rules that
docs/rules.md does not have, and in comments and docs names of files, folders, classes and functions that are gone."""

import pathlib
import re
import subprocess
import sys

LOOSE_ENDS = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")
PLACES = re.compile(r"(?<![\w.])/(work|root|Users)/|\.\./shared\b|\b(repo\.maven|repo1\.maven|registry\.npmjs|proxy\.golang|pypi\.org)")
EMPTY_NAMES = re.compile(r"(^|_)(util|utils|helper|helpers|manager|common|misc)(_|$)")
RULE = re.compile(r"(?<![\w-])[A-Z]-\d{1,2}(?![\w-])")
COMMENT = re.compile(r"(//|(?<!\S)#(?!include)).*")
FILE = re.compile(r"(?<![\w./*<>{}-])[\w./-]*\w\.(?:h|cc|py|sh)\b(?![\w*]|\.\w)")
IN_LIB = re.compile(r"`((?:lib/|tests/|cmd/|docs/)?[a-z_]+/[a-z_][\w/]*)`")
SOURCE_NAME = re.compile(r"`((?:[A-Z]\w*[a-z]\w*|\w+_\w*)(?:::\w+)*)(?:\(\))?`")
OTHERS_NAMES = {"latency_p99_us"}  # made of parts
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


def comments(path):
    """The lines of a text that are there for people, with their numbers: of docs all."""
    for number, line in enumerate(path.read_text().splitlines(), 1):
        comment = COMMENT.search(line)
        if path.suffix == ".md":
            yield number, line
        elif comment:
            yield number, comment.group()


def exists(name, known):
    """Whether a file or folder of the tree has this name, as one writes it: without lib/, without its ending."""
    return any(top + name + ending in known for top in ("", "lib/", "tests/", "cmd/") for ending in ("", ".h", ".cc", ".py"))


def names_that_are_gone(paths):
    known = {str(path) for path in paths} | {str(folder) for path in paths for folder in path.parents}
    ends = {name[i:] for name in known for i in [m.end() for m in re.finditer("^|/", name)]}
    rooms = {name.split("/")[1] for name in known if name.startswith("lib/")} | {"lib", "tests", "cmd", "docs"}
    words = set()
    for path in paths:
        if path.suffix in CODE:
            comment = re.compile("//.*") if path.suffix in {".h", ".cc"} else re.compile("(?<!\\S)# .*")
            words.update(re.findall(r"\w+", comment.sub("", path.read_text())))
    for path in paths:
        if path.suffix not in {".h", ".cc", ".py", ".sh", ".md"} or path.parts[0] in {"third_party", "man"}:
            continue
        for number, text in comments(path):
            gone = [name for name in FILE.findall(text) if name.removeprefix("./") not in ends]
            if path.suffix in {".py", ".sh"}:  # those make scripts of their own
                gone = [name for name in gone if name.endswith((".h", ".cc"))]
            gone += [name for name in IN_LIB.findall(text) if name.split("/")[0] in rooms and not exists(name.rstrip("/"), known)]
            if path.suffix in {".h", ".cc"}:
                gone += [name for name in SOURCE_NAME.findall(text)
                         if name not in OTHERS_NAMES and not words.issuperset(name.split("::"))]
            for name in gone:
                yield f"{path}:{number}: {name} is not there: {text.strip()}"


def format_problems(paths):
    sources = [str(p) for p in paths if p.suffix in {".h", ".cc"}]
    checked = subprocess.run(["clang-format-19", "--dry-run", *sources], capture_output=True, text=True)
    files = sorted({line.split(":")[0] for line in checked.stderr.splitlines() if "code should be clang-formatted" in line})
    return [f"{name}: not formatted; clang-format-19 -i {name}" for name in files]


def main():
    paths = tree()
    problems = [problem for path in paths for problem in problems_of(path)] + unknown_rules(paths)
    problems += [*names_that_are_gone(paths), *format_problems(paths)]
    print("\n".join(problems))
    sys.exit(1 if problems else 0)


main()
