#!/usr/bin/env bash
# man/ and completions/ hold exactly what the tools say of themselves.
set -eu
rm -rf "$MQ_SCRATCH/man" "$MQ_SCRATCH/completions"
scripts/write_docs.sh "$MQ_BUILD/bin" "$MQ_SCRATCH"
if ! diff -ru man "$MQ_SCRATCH/man" || ! diff -ru completions "$MQ_SCRATCH/completions"; then
  echo "man/ or completions/ is stale; run: scripts/write_docs.sh $MQ_BUILD/bin ."
  exit 1
fi
