"""Reads the list of archives that CMake writes for the tests beside it."""

import collections

Archive = collections.namedtuple("Archive", "name path depends link")


def read_archives(path):
    """Folder -> Archive, in the order of lib/README.md."""
    archives = {}
    with open(path) as lines:
        for line in lines.read().splitlines():
            name, archive, depends, link = line.split("|")
            archives[name] = Archive(name, archive, [d for d in depends.split(";") if d], [l for l in link.split(";") if l])
    return archives
