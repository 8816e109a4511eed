#!/usr/bin/env python3
"""scripts/tidy.py [--alone [PERCENT]] [--seed SEED]: reads our sources; any finding is an error.

Without --alone: clang-tidy with the checks of .clang-tidy, over sources joined as they are compiled (mq_joined), which
is five times less work than one by one. With --alone: the compiler reads each source by itself and without precompiled
headers, so that a file that forgot an #include is found; PERCENT of those that are to be read, drawn by SEED (fresh and
printed when not given).

A source whose own and included text was clean before is not read again. What it includes is known from the dev build;
one that is not built there is read every time.
"""

import argparse
import concurrent.futures
import hashlib
import json
import os
import pathlib
import random
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILT = ROOT / "build/dev"
CLEAN = ROOT / "build/tidy-clean"


def configure(folder, *options):
    run = subprocess.run(["cmake", "--preset", "dev", "-B", folder, "-DMQ_PCH=OFF", *options],
                         cwd=ROOT, capture_output=True, text=True)
    if run.returncode != 0:
        sys.exit(run.stdout + run.stderr)


def is_ours(path):
    return path.startswith((f"{ROOT}/lib/", f"{ROOT}/cmd/"))


def entries_of(folder):
    """The compile commands of lib/ and cmd/, one for each source."""
    by_file = {}
    for entry in json.loads((folder / "compile_commands.json").read_text()):
        generated = entry["file"].startswith((f"{folder}/lib/", f"{folder}/cmd/"))
        if generated or is_ours(entry["file"]):
            by_file[entry["file"]] = entry
    return by_file.values()


def included_by_object():
    """What each object of the dev build was made of, as ninja noted it down: sources and headers of ours."""
    told = subprocess.run(["ninja", "-C", BUILT, "-t", "deps"], capture_output=True, text=True).stdout
    objects, current = {}, set()
    for line in told.splitlines():
        if line.startswith(" "):
            path = os.path.normpath(BUILT / line.strip())
            if is_ours(path):
                current.add(path)
        elif line.endswith("(VALID)"):
            current = objects.setdefault(line.split(":")[0], set())
    return objects


def key_of(what, files):
    digest = hashlib.sha256(what.encode())
    for path in sorted(files):
        digest.update(path.encode() + pathlib.Path(path).read_bytes())
    return digest.hexdigest()[:32]


def read_all(todo):
    """Runs (name, command, folder, key) for each, as many at once as there are cores; whether all were clean."""
    def read(one):
        name, command, folder, key = one
        run = subprocess.run(command, cwd=folder, shell=isinstance(command, str), text=True, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT if isinstance(command, str) else subprocess.DEVNULL)
        if run.returncode == 0 and key:
            (CLEAN / key).touch()
        return run.returncode == 0, f"{name}:\n{run.stdout}"

    clean = True
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for good, told in pool.map(read, todo):
            if not good:
                print(told, flush=True)
            clean = clean and good
    return clean


def joined_work():
    folder = ROOT / "build/tidy"
    configure(folder, "-DMQ_JOIN=ON")
    objects, checks = included_by_object(), (ROOT / ".clang-tidy").read_text()
    for entry in entries_of(folder):
        made = entry["command"].split(" -o ")[1].split()[0]
        files = objects.get(made)
        key = key_of(checks + made, files) if files else None
        command = ["clang-tidy-19", "-p", folder, "--quiet", "--warnings-as-errors=*", entry["file"]]
        yield os.path.relpath(entry["file"], ROOT), command, ROOT, key


def alone_work():
    folder = ROOT / "build/alone"
    configure(folder, "-DMQ_JOIN=OFF")
    objects = included_by_object().values()
    for entry in entries_of(folder):
        files = next((files for files in objects if entry["file"] in files), None)
        key = key_of("alone " + entry["file"], files) if files else None
        command = entry["command"].split(" -o ")[0] + f" -fsyntax-only {entry['file']}"
        yield os.path.relpath(entry["file"], ROOT), command, entry["directory"], key


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--alone", nargs="?", type=int, const=100, metavar="PERCENT")
    arguments.add_argument("--seed", type=int, default=random.randrange(100_000))
    given = arguments.parse_args()

    CLEAN.mkdir(parents=True, exist_ok=True)
    todo = [one for one in (joined_work() if given.alone is None else alone_work())
            if not (one[3] and (CLEAN / one[3]).exists())]
    if given.alone is not None and given.alone < 100:
        print(f"sources drawn by seed {given.seed} (scripts/tidy.py --alone {given.alone} --seed {given.seed})")
        todo = random.Random(given.seed).sample(todo, -(-len(todo) * given.alone // 100))
    sys.exit(0 if read_all(todo) else 1)


main()
