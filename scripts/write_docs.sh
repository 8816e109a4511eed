#!/usr/bin/env bash
# scripts/write_docs.sh BIN_DIR TO_DIR: man pages and completions of every tool in BIN_DIR, made from its option rows.
set -eu
bin=$1 to=$2
mkdir -p "$to/man" "$to/completions"
for tool in mqd mqprod mqcons mqctl mqbench; do
  [ -x "$bin/$tool" ] || continue
  section=1
  [ "$tool" = mqd ] && section=8
  "$bin/$tool" --help-man >"$to/man/$tool.$section"
  "$bin/$tool" --completion bash >"$to/completions/$tool.bash"
  "$bin/$tool" --completion zsh >"$to/completions/_$tool"
  "$bin/$tool" --completion fish >"$to/completions/$tool.fish"
done
"$bin/mqctl" --help-man=mq.conf >"$to/man/mq.conf.5"
"$bin/mqctl" --help-man=mq-exit >"$to/man/mq-exit.7"
