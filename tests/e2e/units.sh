#!/usr/bin/env bash
# units.sh BIN: systemd takes the units that we ship, nothing starts a broker again that needs a person, the example of a member's
# options is one that mqd takes, and what a package does when it comes and goes names the units that there are.
. "$(dirname "$0")/situation.sh"
bin=$1 root=$(cd "$(dirname "$0")/../.." && pwd)
mqd=$(command -v mqd)

# A mistake, what does not belong together, damage: the numbers of lib/cli/exit_code.h.
for name in usage precondition damaged; do
  grep -oP "^\s*$name = \K[0-9]+" "$root/lib/cli/exit_code.h" || fail "no exit code $name"
done | sort | xargs >"$work/codes"
for unit in mqd.service mqd@.service; do
  same "$(cat "$work/codes")" "$(sed -n 's/^RestartPreventExitStatus=//p' "$root/packaging/$unit")" "exit codes of $unit"
  grep -q '^EnvironmentFile=-' "$root/packaging/$unit" && fail "$unit starts without its options"
done
# Both are locked up alike.
locks() { sed -n '/^NoNewPrivileges/,/^SystemCallFilter/p' "$root/packaging/$1"; }
same "$(locks mqd.service)" "$(locks mqd@.service)" "what the units allow"
[ "$(locks mqd.service | wc -l)" -gt 10 ] || fail "the units lock nothing up"

if command -v systemd-analyze >/dev/null; then
  mkdir "$work/units"
  for unit in mqd.service mqd@.service mqd.socket; do sed "s|/usr/bin/mqd|$mqd|" "$root/packaging/$unit" >"$work/units/$unit"; done
  cp "$work/units/mqd@.service" "$work/units/mqd@a.service"
  systemd-analyze verify --man=no "$work/units/mqd.service" "$work/units/mqd.socket" "$work/units/mqd@a.service" >"$work/verify" 2>&1 ||
    fail "systemd does not take the units: $(cat "$work/verify")"
  ! grep -E "mqd|Unknown" "$work/verify" || fail "systemd has a word about the units"
  sed -i 's/^RestartSec=/RestartSeconds=/' "$work/units/mqd.service"
  systemd-analyze verify --man=no "$work/units/mqd.service" 2>&1 | grep -q RestartSeconds || fail "a misspelled line is not seen"
else
  echo "not checked here: systemd's own word on the units (there is no systemd-analyze)"
fi

# The example: read as systemd reads it, split at blanks.
same 1 "$(grep -cvE '^(#|$)' "$root/packaging/mqd.env")" "lines of the example that count"
options=$(sed -n 's/^MQD_OPTIONS="\(.*\)"$/\1/p' "$root/packaging/mqd.env")
[ -n "$options" ] || fail "no options in the example"
case $options in *[\'\"\\]*) fail "quotes in the example" ;; esac
# shellcheck disable=SC2086
mqd --data "$work/data" $options --check-config >"$work/check" 2>&1 || fail "mqd does not take the example: $(cat "$work/check")"
for option in --meta --listen --rack --metrics; do
  case $options in *"$option "*) ;; *) fail "the example has no $option" ;; esac
  grep -q "^# $option " "$root/packaging/mqd.env" || [ $option = --meta ] || fail "the example does not say what $option is"
done
same 2 "$(mqd --data "$work/data" $options --listens x --check-config >/dev/null 2>&1; echo $?)" "status of a mistake"

# What the package does when it is removed, with a systemctl that writes down what it is told.
for script in postinst prerm postrm; do sh -n "$root/packaging/$script" || fail "$script"; done
mkdir "$work/told"
printf '#!/bin/sh\necho "$@" >>"%s/told/log"\n' "$work" >"$work/told/systemctl"; chmod +x "$work/told/systemctl"
PATH="$work/told:$PATH" sh "$root/packaging/prerm" remove
grep -q -- 'disable mqd.socket mqd.service' "$work/told/log" || fail "a removed package leaves units enabled"
: >"$work/told/log"
PATH="$work/told:$PATH" sh "$root/packaging/prerm" upgrade 1.0
[ ! -s "$work/told/log" ] || fail "an upgrade stops the broker: $(cat "$work/told/log")"
echo "systemd takes the units, and mqd the example"
