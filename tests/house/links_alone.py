#!/usr/bin/env python3
"""links_alone.py ARCHIVES FOLDER COMPILER: the whole archive of a folder links against what the folder declares.

No symbol may stay open: a folder that calls what it does not name under DEPENDS or LINK fails here, even where headers
alone would not show it.
"""

import subprocess
import sys

from archives import read_archives


def needed(archives, folder):
    """The folder's dependencies and theirs, users before used."""
    order = []

    def visit(name):
        if name in order or name not in archives:
            return
        for dependency in archives[name].depends:
            visit(dependency)
        order.append(name)

    visit(folder)
    return list(reversed(order))


def main():
    archives = read_archives(sys.argv[1])
    folder, compiler = sys.argv[2:4]
    names = needed(archives, folder)
    libraries = [archives[name].path for name in names[1:]]
    for name in names:
        libraries += [item if item.startswith(("/", "-")) else f"-l{item}" for item in archives[name].link]
    # A program, not a shared library: Debian's archives are not made for the latter. Either way no symbol may stay open.
    command = [compiler, "-fuse-ld=lld-19", "-Wl,-z,defs", "-o", "/dev/null", "-x", "c++", "-", "-x", "none"]
    command += ["-Wl,--whole-archive", archives[folder].path, "-Wl,--no-whole-archive", *libraries]
    sys.exit(subprocess.run(command, input=b"int main() {}").returncode)


main()
