#!/usr/bin/env bash
# man/ and completions/ hold exactly what the tools say of themselves.
set -eu
rm -rf "$MQ_SCRATCH/man" "$MQ_SCRATCH/completions"
scripts/write_docs.sh "$MQ_BUILD/bin" "$MQ_SCRATCH"
stale=0
for file in "$MQ_SCRATCH"/man/* "$MQ_SCRATCH"/completions/*; do
  diff -u "${file#"$MQ_SCRATCH"/}" "$file" || stale=1
done
if LC_ALL=C grep -l '[[:cntrl:]]' "$MQ_SCRATCH"/man/*; then
  echo "a man page holds control characters"
  stale=1
fi
for script in completions/*.bash; do bash -n "$script" || stale=1; done
if [ $stale = 1 ]; then
  echo "man/ or completions/ is stale; run: scripts/write_docs.sh $MQ_BUILD/bin ."
  exit 1
fi
