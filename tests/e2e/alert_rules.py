#!/usr/bin/env python3
"""alert_rules.py RULES DOCUMENT PAGE...: the alert rules are whole, and each metric that they or the document name is on one of
the pages that brokers have served at /metrics. Where promtool is installed it has to take them, too."""

import re
import shutil
import subprocess
import sys

NAME = re.compile(r"\b(?:mq|process)_[a-z_]+\b")
LABELS = re.compile(r'\b(mq_[a-z_]+)\{([a-z]+)="(\w+)"')
TEXT = r"[a-z][^#:]*"
# What a line of the file may be: less than YAML, so that whoever reads YAML reads the same.
LINES = [re.compile(line) for line in (
    r"groups:", r"  - name: ([\w-]+)", r"    rules:", r"      - (alert): (\w+)", rf"        (expr): ({TEXT})",
    r"        (for): (\d+[smh])", r"        labels:", r"          (severity): (critical|warning)",
    r"        annotations:", r"          (summary): (\"[^\"\\]+\")")]


def rules_of(text):
    rules = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line or line.lstrip().startswith("#"):
            continue
        match = next((match for pattern in LINES if (match := pattern.fullmatch(line))), None)
        if match is None:
            sys.exit(f"line {number}: not what a line of the alert rules may be: {line}")
        words = match.groups()
        if words[:1] == ("alert",):
            rules.append({})
        if len(words) == 2:
            if words[0] in rules[-1]:
                sys.exit(f"line {number}: a second {words[0]}")
            rules[-1][words[0]] = words[1]
    return rules


def family(name, families):
    stem = re.sub(r"_(bucket|sum|count)$", "", name)
    return stem if families.get(stem) == "histogram" else name


def main(rules_path, document_path, pages):
    text = open(rules_path).read()
    rules = rules_of(text)
    problems = []
    for rule in rules:
        for part in ("expr", "severity", "summary"):
            if part not in rule:
                problems.append(f"{rule['alert']} has no {part}")
    names = [rule["alert"] for rule in rules]
    problems += [f"{name} stands twice" for name in set(names) if names.count(name) > 1]

    served = "".join(open(page).read() for page in pages)
    families = dict(re.findall(r"^# TYPE (\w+) (\w+)$", served, re.MULTILINE))
    document = open(document_path).read()
    for where, named in ((rules_path, NAME.findall("\n".join(rule["expr"] for rule in rules))), (document_path, NAME.findall(document))):
        problems += [f"{where}: no broker has {name}" for name in sorted(set(named)) if family(name, families) not in families]
    for rule in rules:
        for name, label, value in LABELS.findall(rule["expr"]):
            if not re.search(rf'^{name}\{{([^}}]*,)?{label}="{value}"', served, re.MULTILINE):
                problems.append(f'{rule["alert"]}: no broker has {name}{{{label}="{value}"}}')
    problems += [f"{document_path}: {name} has no row" for name in
                 {family(name, families) for rule in rules for name in NAME.findall(rule["expr"])} if name not in document]
    if problems:
        sys.exit("\n".join(problems))
    if promtool := shutil.which("promtool"):
        subprocess.run([promtool, "check", "rules", rules_path], check=True)
    print(f"{len(rules)} alert rules, {len(families)} metrics")


main(sys.argv[1], sys.argv[2], sys.argv[3:])
