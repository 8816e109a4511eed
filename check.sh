#!/usr/bin/env bash
# Builds mq and runs its tests on a fresh Debian 12 or Ubuntu 24.04.
#
#   ./check.sh           every test that Debian's packages suffice for
#   ./check.sh --all     also clang-tidy, ThreadSanitizer, two mutants and the clients from Maven, Go, npm and PyPI; a
#                        missing toolchain is then an error
#   ./check.sh --long    also 10,000 fresh lives of mq_sim, and every mutant: hours
#   ./check.sh --again   run everything although nothing changed since the last run that passed
#
# The last line is "N passed, N failed, N skipped"; the exit status is 0 only when nothing failed.
set -u
cd "$(dirname "$0")"
. scripts/packages.sh
export LC_ALL=C.UTF-8  # tests read what other programs print

all=false again=false long=false
for word in "$@"; do
  case "$word" in
    --all) all=true ;;
    --long) all=true long=true ;;
    --again) again=true ;;
    -h | --help) sed -n '2,11s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) die "check.sh: unknown option $word; try ./check.sh --help" ;;
  esac
done

# The checkout's list of files tells what to test, and whether anything changed. git says itself why it would not give it.
git ls-files --error-unmatch check.sh >/dev/null || die "check.sh needs git, and mq as git cloned it."

results=build/check           # one file or folder of results for each step
passed_before=build/check-passed-$all-$long

fingerprint() {
  # Contents of every file that git would see, in whichever state the checkout is.
  git ls-files -z --cached --others --exclude-standard | sort -z | xargs -0 sha256sum 2>/dev/null | sha256sum
}
before=$(fingerprint)
if ! $again && [ -r "$passed_before" ] && [ "$(head -1 "$passed_before")" = "$before" ]; then
  echo "Nothing changed since everything below passed; ./check.sh --again runs it again."
  tail -1 "$passed_before"
  exit 0
fi

# step NAME COMMAND...: one thing that passes or fails as a whole.
failed_steps=""
step() {
  local name=$1 began=$SECONDS
  shift
  say "$name"
  if "$@"; then
    echo "$name: $((SECONDS - began)) s"
  else
    failed_steps="$failed_steps $name"
    echo "$name FAILED after $((SECONDS - began)) s"
    return 1
  fi
}

build() {
  local profile=$1
  shift
  cmake --preset "$profile" >"$results/configure-$profile.log" 2>&1 || { cat "$results/configure-$profile.log"; return 1; }
  ninja -C "build/$profile" -j "$(nproc)" --quiet "$@"
}

# test_profile PROFILE LABELS: runs the CTest tests with these labels. GoogleTest programs leave their cases as JSON.
test_profile() {
  local profile=$1 labels=$2 skipped_label='^$'
  $all || skipped_label='^interop$'
  mkdir -p "$results/$profile"
  MQ_CHECK_ALL=$all GTEST_OUTPUT="json:$PWD/$results/$profile/" \
    ctest --test-dir "build/$profile" -L "$labels" -LE "$skipped_label" -j "$(nproc)" --output-on-failure \
    --no-tests=error --output-junit "$PWD/$results/$profile.xml"
  local status=$?
  # What needs a registry is not run without --all, but counted.
  $all || ctest --test-dir "build/$profile" -N -L '^interop$' | sed -n 's/^ *Test *#[0-9]*: //p' >"$results/$profile.skipped"
  return $status
}

# need COMMAND MINIMUM FOUND HOW: says what is missing or too old. Versions are the one number that tells.
need() {
  local command=$1 minimum=$2 found=$3 how=$4
  [ "${found:-0}" -lt "$minimum" ] || return 0
  echo "--all needs $how ($(command -v "$command" >/dev/null && echo "'$command' is too old" || echo "no '$command' in PATH"))"
  return 1
}
number() { "${@:2}" 2>&1 | sed 's/\x1b\[[0-9;]*m//g' | grep -oE '[0-9]+' | sed -n "$1p"; }

need_toolchains() {
  local missing=0
  need javac 17 "$(number 1 javac -version)" "a JDK, 17 or later: apt-get install default-jdk-headless" || missing=1
  need mvn 3 "$(number 1 mvn --batch-mode --version)" "Maven: apt-get install maven" || missing=1
  need node 18 "$(number 1 node --version)" "Node.js, 18 or later: apt-get install nodejs" || missing=1
  need npm 7 "$(number 1 npm --version)" "npm, 7 or later: apt-get install npm" || missing=1
  need go 22 "$(number 2 go version)" "Go, 1.22 or later: on Debian 12, golang-go of bookworm-backports" || missing=1
  return $missing
}

rm -rf "$results"
mkdir -p "$results"
# The subshell keeps a failed set-up from ending the script before it has said how many failed.
if step packages eval '(install_packages $packages_to_build $packages_to_check)'; then
  $all && step toolchains need_toolchains
  if step build-dev build dev unit_tests; then
    step tests-dev test_profile dev '^(unit|house)$'
    $all && step clang-tidy scripts/tidy.py  # minutes on two cores
    $all && step alone scripts/tidy.py --alone $($long || echo 10)
  fi
  if step build-release build release; then
    step tests-release test_profile release '^(house|e2e|interop)$'
  fi
  if $all && step build-tsan build tsan tools posix_test env_test; then
    step tests-tsan test_profile tsan '^threads$'
  fi
  $all && step mutants scripts/try_mutants.sh $($long && echo --all)
  $long && step lives build/release/tests/sim/mq_sim --seeds 10000
fi

line=$(command -v python3 >/dev/null && python3 scripts/count_results.py "$results" $failed_steps) || line="0 passed, 1 failed, 0 skipped"
case "$line" in
  *" 0 failed,"*) printf '%s\n%s\n' "$before" "$line" >"$passed_before" ;;
  *) rm -f "$passed_before"; say "Failed:$failed_steps" ;;
esac
echo
echo "$line"
case "$line" in *" 0 failed,"*) exit 0 ;; *) exit 1 ;; esac
