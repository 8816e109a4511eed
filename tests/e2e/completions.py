#!/usr/bin/env python3
"""completions.py DIR: the completions in DIR offer the right words when somebody presses the tabulator in a real shell."""

import os
import pty
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time

# What is typed; what must be offered; what must not.
CASES = [
    ("mqctl ", ["topic", "partition", "segment"], ["list", "a_file"]),
    ("mqctl topic ", ["list", "create", "describe", "delete"], ["a_file"]),
    ("mqctl -b host:9092 topic ", ["list", "create"], ["a_file"]),
    ("mqctl --brokers=host:9092 -v group ", ["lag", "reset"], ["a_file"]),
    ("mqctl --client-id me topic list -o ", ["table", "jsonl"], ["a_file"]),
    ("mqctl topic list --output=", ["table", "jsonl"], ["a_file"]),
    ("mqctl topic create --re", ["--replicas", "--retention"], ["--internal"]),
    ("mqctl segment dump --ba", ["--batches"], []),
    ("mqctl segment dump -J --", ["--offset"], ["--batches", "--format"]),
    ("mqcons --offset=5 --", ["--partitions"], ["--since", "--tail"]),
    ("mqctl segment verify ", ["a_file", "blank"], ["topic"]),
    ("mqbench ", ["produce", "verify", "limit"], ["a_file"]),
    ("mqbench rpc --acks ", ["all"], ["0", "a_file"]),
    ("mqbench produce --acks ", ["all", "0"], ["a_file"]),
    ("mqprod web ", ["a_file", "blank"], []),
    ("mqcons --color ", ["auto", "never"], ["a_file"]),
    ("mqd --flush ", ["ack", "async"], ["a_file"]),
]


class Shell:
    """An interactive shell on a terminal of its own."""

    def __init__(self, command, environment):
        pid, self.terminal = pty.fork()
        if pid == 0:
            os.environ.update(environment)
            os.execvp(command[0], command)
        self.pid = pid

    def until(self, holds, seconds=10):
        """What was written since the last call, as soon as `holds` of it, or after that time."""
        text, end = "", time.monotonic() + seconds
        while not holds(text) and time.monotonic() < end:
            if select.select([self.terminal], [], [], 0.1)[0]:
                try:
                    text += os.read(self.terminal, 65536).decode(errors="replace")
                except OSError:  # the shell ended
                    break
        return text

    def type(self, keys):
        os.write(self.terminal, keys.encode())

    def close(self):
        os.close(self.terminal)
        os.waitpid(self.pid, 0)


def words_in(text):
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]", " ", text)
    return re.split(r"[\s\x07]+", plain)


def offers_on_terminal(shell, line, wanted):
    """The words on the screen after the line and two tabulators, without the line itself."""
    shell.type("\x15")
    shell.until(lambda text: False, 0.1)
    shell.type(line + "\t\t")
    # One candidate is put into the line: its end is all that is new there.
    there = lambda text: all(any(w.endswith(word) for w in words_in(text)) for word in wanted)
    text = shell.until(there, 5)
    return words_in(text + shell.until(lambda text: False, 0.1))


def start_bash(directory, environment):
    shell = Shell(["bash", "--norc", "--noprofile", "-i"], environment)
    shell.type("bind 'set show-all-if-ambiguous on'; bind 'set bell-style none'; bind 'set page-completions off'; "
               f"for f in {directory}/*.bash; do . $f; done; PS1='> '; echo rea''dy\n")
    assert "ready" in shell.until(lambda text: "ready\r" in text), "bash did not start"
    return shell


def start_zsh(directory, environment):
    shell = Shell(["zsh", "-f", "-i"], environment)
    shell.type(f"fpath=({directory} $fpath); autoload -Uz compinit; compinit -u -D; LISTMAX=10000; PS1='> '; "
               "zstyle ':completion:*' list-prompt ''; setopt nobeep; unsetopt automenu; echo rea''dy\n")
    assert "ready" in shell.until(lambda text: "ready\r" in text, 30), "zsh did not start"
    return shell


def offers_of_fish(directory, line):
    script = f"for f in {directory}/*.fish; source $f; end; complete -C '{line}'"
    out = subprocess.run(["fish", "--no-config", "-c", script], capture_output=True, text=True, check=True).stdout
    return [word for offer in out.splitlines() for word in re.split(r"[\s=]+", offer.split("\t")[0])]


def problems(shell_name, line, offered, wanted, unwanted):
    missing = [word for word in wanted if not any(w.endswith(word) for w in offered)]
    wrong = [word for word in unwanted if word in offered]
    if missing or wrong:
        yield f"{shell_name}: '{line}' lacks {missing}, has {wrong}; it offers {offered}"


def main():
    directory = os.path.abspath(sys.argv[1])
    found, tried = [], []
    with tempfile.TemporaryDirectory() as work:
        for name in ("a_file", "with blank"):
            open(os.path.join(work, name), "w").close()
        os.chdir(work)
        environment = {"TERM": "dumb", "HOME": work, "LC_ALL": "C", "COLUMNS": "200"}
        for name, start in (("bash", start_bash), ("zsh", start_zsh)):
            if not shutil.which(name):
                continue
            shell = start(directory, environment)
            for line, wanted, unwanted in CASES:
                found += problems(name, line, offers_on_terminal(shell, line, wanted), wanted, unwanted)
            shell.close()
            tried.append(name)
        if shutil.which("fish"):
            for line, wanted, unwanted in CASES:
                found += problems("fish", line, offers_of_fish(directory, line), wanted, unwanted)
            tried.append("fish")
    print("\n".join(found) or f"{len(CASES)} lines are completed in {', '.join(tried)}")
    return bool(found)


sys.exit(main())
