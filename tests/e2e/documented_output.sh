#!/usr/bin/env bash
# What is printed for programs is what the help names.
. "$(dirname "$0")/situation.sh"
here=$(cd "$(dirname "$0")" && pwd)
bin=$(cd "$1" && pwd)
start_mqd
seq 100 | mqprod web
mqcons -q -g readers --reset start web >/dev/null
mkdir "$work/copy"
cp -r "$work/data/web-0" "$work/copy/"
(cd "$work" && PATH="$bin:$PATH" python3 "$here/documented_output.py" "$work/copy/web-0") || fail "what is printed is not what the help names"
echo "every column and field has its text"
