#!/usr/bin/env python3
"""What our headers include of packages is precompiled (cmake/MqPch.cmake).

Anything else would be parsed anew for every file that includes the header: one such line in a header that many include
is minutes of a first build. It belongs in a source, or into the list there. C headers are small and free. `posix` and
`sim` are included by few.
"""

import pathlib
import re
import sys

INCLUDE = re.compile(r"^\s*#\s*include\s*<([^>]+)>", re.MULTILINE)
LIST = re.compile(r"set\(MQ_PCH_(?:PURE|IO)\s([^)]*)\)")
INCLUDED_BY_FEW = {"posix", "sim"}


def is_c_header(name):
    return name.endswith(".h") and not name.startswith(("boost/", "fmt/", "spdlog/"))


def main():
    precompiled = {word for words in LIST.findall(pathlib.Path("cmake/MqPch.cmake").read_text()) for word in words.split()}
    problems = [f"{path}: <{name}> is not precompiled"
                for top in ("lib", "cmd") for path in sorted(pathlib.Path(top).rglob("*.h"))
                if path.parts[1] not in INCLUDED_BY_FEW
                for name in INCLUDE.findall(path.read_text()) if name not in precompiled and not is_c_header(name)]
    print("\n".join(problems))
    sys.exit(1 if problems or not precompiled else 0)


main()
