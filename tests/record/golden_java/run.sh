#!/bin/sh
# Makes tests/record/golden_batches.tsv anew with Kafka's own classes. Needs a JDK (17 or newer) and Maven.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mvn -q -f "$here/pom.xml" dependency:copy-dependencies -DoutputDirectory="$work/lib"
javac -d "$work/classes" -cp "$work/lib/*" "$here/GoldenBatches.java"
java -cp "$work/lib/*:$work/classes" GoldenBatches 2>"$work/log" >"$work/out" || { cat "$work/log" >&2; exit 1; }
mv "$work/out" "$here/../golden_batches.tsv"
