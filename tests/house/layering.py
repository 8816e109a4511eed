#!/usr/bin/env python3
"""Every #include of lib/, cmd/ and tests/ stays within the table of lib/README.md, and CMake's DEPENDS within it too;
inside lib/broker it stays within the order of its files in docs/architecture.md."""

import pathlib
import re
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s*"([a-z_/]+)/', re.MULTILINE)
# What would reach a folder past the pattern above: other brackets, another way to the file, another directive.
ANY_INCLUDE = re.compile(r'^\s*(?:#|%:)\s*(?:include|import).*$', re.MULTILINE)
PLAIN_INCLUDE = re.compile(r'\s*#\s*include\s*("[\w./]+"|<[\w./+-]+>)')
ROW = re.compile(r"^\| `([\w/]+)` \|.*\|([^|]*)\|$", re.MULTILINE)
LIBRARY = re.compile(r"mq_library\(([\w/]+)([^)]*)\)")
SOURCES = ("*.h", "*.cc")
CODE_SUFFIXES = {".h", ".cc", ".c", ".cpp", ".cxx", ".hh", ".hpp", ".hxx", ".inc", ".inl", ".ipp", ".tcc"}


def table():
    """Folder -> folders it may include, in the order of the table."""
    return {name: set(may.split()) for name, may in ROW.findall(pathlib.Path("lib/README.md").read_text())}


def sources(folder):
    return sorted(path for pattern in SOURCES for path in folder.rglob(pattern))


def included(text, folders):
    """The folders of the table that a source includes from; a room with a row of its own counts as one."""
    for directory in INCLUDE.findall(text):
        while directory not in folders and "/" in directory:
            directory = directory.rpartition("/")[0]
        yield directory


def table_problems(may_include):
    seen = set()
    for folder, may in may_include.items():
        for other in sorted(may - seen):
            yield f"lib/README.md: {folder} may include {other}, which is not above it"
        seen.add(folder)
    for path in sorted(pathlib.Path("lib").iterdir()):
        if not path.is_dir() or path.name in may_include:
            continue
        for room in sorted(room for room in path.iterdir() if room.is_dir()) or [path]:
            if str(room.relative_to("lib")) not in may_include:
                yield f"lib/README.md: no row for {room}"


def declared_depends(folder):
    match = LIBRARY.search(pathlib.Path(f"lib/{folder}/CMakeLists.txt").read_text())
    words = match.group(2).split() if match else []
    depends = set()
    if "DEPENDS" in words:
        for word in words[words.index("DEPENDS") + 1:]:
            if word.isupper():  # of the next keyword
                break
            depends.add(word)
    return depends


def folder_problems(folder, may, folders):
    depends = declared_depends(folder)
    for other in sorted(depends - may):
        yield f"lib/{folder}/CMakeLists.txt: DEPENDS {other}, which lib/README.md does not allow"
    for path in sources(pathlib.Path("lib") / folder):
        for other in sorted(set(included(path.read_text(), folders)) - {folder}):
            if other not in may:
                yield f"{path}: includes {other}/, which lib/README.md does not allow"
            elif other not in depends:
                yield f"{path}: includes {other}/, which CMakeLists.txt does not name under DEPENDS"


def broker_rows():
    """File of lib/broker without its ending -> its row in the table of docs/architecture.md."""
    text = pathlib.Path("docs/architecture.md").read_text()
    table = text.partition("## The files of `broker`")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| ((?:`[\w/*]+` )+)\|", table, re.MULTILINE)
    return {name: row for row, names in enumerate(rows) for name in re.findall(r"`([\w/*]+)`", names)}


def broker_problems():
    """Inside lib/broker a file includes only what stands above it in the table, or in its own row."""
    rows = broker_rows()
    top = pathlib.Path("lib/broker")

    def row_of(name):
        return rows.get(name, rows.get("api/*") if name.startswith("api/") else None)

    for path in sources(top):
        name = str(path.relative_to(top).with_suffix(""))
        if row_of(name) is None:
            yield f"docs/architecture.md: no row for {path}"
            continue
        for other in re.findall(r'^\s*#\s*include\s*"broker/([\w/]+)\.h"', path.read_text(), re.MULTILINE):
            if (row_of(other) or 0) > row_of(name):
                yield f"{path}: includes broker/{other}.h, which stands below it in docs/architecture.md"
    for name in rows:
        if not any(top.glob(f"{name}.*")):
            yield f"docs/architecture.md: no file for the row of {name}"


def evasion_problems(folders):
    """Every include is one that the other checks understand, in a file that they look at."""
    for path in sorted(path for top in ("lib", "cmd", "tests") for path in pathlib.Path(top).rglob("*")):
        if path.suffix not in CODE_SUFFIXES:
            continue
        if f"*{path.suffix}" not in SOURCES:
            yield f"{path}: sources here end in .h or .cc"
        for line in ANY_INCLUDE.findall(path.read_text()):
            plain = PLAIN_INCLUDE.match(line)
            if not plain or ".." in line or re.match(r'"/|<(%s)/' % "|".join(folders), plain.group(1)):
                yield f'{path}: {line.strip()}: our own headers are included as "folder/name.h"'


def outside_problems(folders):
    """sim belongs to tests/; posix to cmd/ and to the tests of what does I/O, never to those of a folder above env."""
    pure = folders[:folders.index("env")]
    for path in sources(pathlib.Path("cmd")):
        if any(directory.partition("/")[0] == "sim" for directory in INCLUDE.findall(path.read_text())):
            yield f"{path}: includes sim/"
    for path in sources(pathlib.Path("tests")):
        if "posix" in INCLUDE.findall(path.read_text()) and path.parts[1] in pure:
            yield f"{path}: includes posix/"


def main():
    may_include = table()
    problems = list(table_problems(may_include)) + list(outside_problems(list(may_include)))
    problems += evasion_problems(may_include)
    for folder, may in may_include.items():
        if (pathlib.Path("lib") / folder / "CMakeLists.txt").exists():
            problems += folder_problems(folder, may, may_include)
    problems += broker_problems()
    print("\n".join(problems))
    sys.exit(1 if problems else 0)


main()
