#!/usr/bin/env python3
"""Adds up what check.sh ran: count_results.py RESULTS [FAILED_STEP...] prints "N passed, N failed, N skipped".

A GoogleTest program counts as its cases, a script as one, a test left out for want of --all as one skipped. A step that
failed without a failed test in it (a build, a crash before the first case) counts as one failed.
"""

import json
import pathlib
import sys
import xml.etree.ElementTree as ElementTree


def cases_of(report):
    """(passed, failed, skipped) of one GoogleTest JSON report."""
    passed = failed = skipped = 0
    for suite in json.loads(report.read_text())["testsuites"]:
        for case in suite["testsuite"]:
            if case.get("failures"):
                failed += 1
            elif case["result"] == "SKIPPED" or case["status"] == "NOTRUN":
                skipped += 1
            else:
                passed += 1
    return passed, failed, skipped


def add(a, b):
    return tuple(x + y for x, y in zip(a, b))


def count_profile(junit):
    total = (0, 0, 0)
    for case in ElementTree.parse(junit).getroot().iter("testcase"):
        status = case.get("status")
        report = junit.with_suffix("") / f"{case.get('name')}_test.json"
        if status == "run" and report.exists():
            total = add(total, cases_of(report))
        elif status == "run":
            total = add(total, (1, 0, 0))
        elif status == "fail":
            cases = cases_of(report) if report.exists() else (0, 0, 0)
            # A program that failed with no failed case died between or after them.
            total = add(total, cases if cases[1] else add(cases, (0, 1, 0)))
        else:
            skipped = case.find("skipped")
            by_itself = skipped is not None and "SKIP_RETURN_CODE" in skipped.get("message", "")
            # CTest also says "notrun" of a program that is not there.
            total = add(total, (0, 0, 1) if by_itself or status == "disabled" else (0, 1, 0))
    return total


def main():
    results, failed_steps = pathlib.Path(sys.argv[1]), sys.argv[2:]
    total = (0, 0, 0)
    for junit in sorted(results.glob("*.xml")):
        total = add(total, count_profile(junit))
    for names in sorted(results.glob("*.skipped")):
        total = add(total, (0, 0, len(names.read_text().splitlines())))
    for step in failed_steps:
        counted = step.startswith("tests-") and total[1] > 0
        total = add(total, (0, 0 if counted else 1, 0))
    print("%d passed, %d failed, %d skipped" % total)


main()
