#!/usr/bin/env python3
"""Every option and command of every tool has its texts, its unit and a spelling of its own, as --help-json tells them."""

import collections
import json
import os
import pathlib
import subprocess
import sys


def option_problems(where, option):
    name = option["long"] or option["short"]
    for field in ("help", "group"):
        if not option[field]:
            yield f"{where}: {name} has no {field}"
    if option["kind"] != "flag" and not option["value"]:
        yield f"{where}: {name} has a value without a name"
    if option["kind"] == "choice" and not option.get("choices"):
        yield f"{where}: {name} is a choice without choices"


def name_problems(where, options):
    names = collections.Counter(f"-{o['short']}" for o in options if o["short"])
    names += collections.Counter(f"--{o['long']}" for o in options if o["long"])
    for name, times in names.items():
        if times > 1:
            yield f"{where}: {name} means {times} things"


def unit_problems(where, option):
    """A number says what it counts, in its value's name or its help; the other kinds have their units in the value."""
    if option["kind"] == "number" and not option["value"]:
        yield f"{where}: {option['long']} counts nothing that has a name"
    if option["kind"] in ("duration", "size") and option["value"] not in ("DUR", "SIZE"):
        yield f"{where}: {option['long']} takes a {option['kind']} and calls it {option['value']}"


def tool_problems(tool):
    rows = json.loads(subprocess.run([tool, "--help-json"], check=True, capture_output=True).stdout)
    name = rows["name"]
    for field in ("summary", "description", "usage", "examples"):
        if not rows[field]:
            yield f"{name} has no {field}"
    for option in rows["options"]:
        yield from option_problems(name, option)
        yield from unit_problems(name, option)
    yield from name_problems(name, rows["options"])
    for command in rows["commands"]:
        where = f"{name} {command['name']}"
        if not command["summary"]:
            yield f"{where} has no summary"
        if not command["examples"]:
            yield f"{where} has no example"
        for option in command["options"]:
            yield from option_problems(where, option)
            yield from unit_problems(where, option)
        yield from name_problems(where, rows["options"] + command["options"])
        for output in command["outputs"]:
            for column in output["columns"]:
                if not column["help"]:
                    yield f"{where}: column {column['name']} has no text"


def main():
    tools = sorted((pathlib.Path(os.environ["MQ_BUILD"]) / "bin").glob("mq*"))
    problems = [problem for tool in tools for problem in tool_problems(tool)]
    print("\n".join(problems) or f"{len(tools)} tools")
    sys.exit(1 if problems or not tools else 0)


main()
