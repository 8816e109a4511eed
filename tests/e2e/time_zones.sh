#!/usr/bin/env bash
# A time without a zone is one of the zone of $TZ, for every tool that takes one and wherever the machine is.
. "$(dirname "$0")/situation.sh"
start_mqd
status() { local status=0; "$@" >"$work/stdout" 2>"$work/stderr" || status=$?; echo $status; }
says() { grep -qF -- "$1" "$work/stderr" || fail "it does not say '$1' but: $(cat "$work/stderr")"; }

echo now | mqprod t
same now "$(mqcons -g readers --reset start t)"
segment=$work/data/t-0/00000000000000000000.log
# Rules, which need no database of zones: on either side of UTC, half an hour off, with summer time on either half of the globe.
for zone in UTC0 UTC-12 UTC+11 '<+0530>-5:30' CET-1CEST,M3.5.0,M10.5.0/3 '<-04>4<-03>,M9.1.6/24,M4.1.6/24'; do
  export TZ=$zone
  # More than clocks are put forward or back by, in case it is the night in which they are.
  before=$(date '+%F %T' -d '-3 hours') after=$(date '+%F %T' -d '+3 hours')
  same now "$(mqcons --since "$before" t)" "$zone: since $before"
  same "" "$(mqcons --since "$after" t)" "$zone: since $after"
  same "" "$(mqcons --until "$before" t)" "$zone: until $before"
  same now "$(mqcons --until "$after" t)" "$zone: until $after"
  same now "$(mqcons -o "@$before..@$after" t)" "$zone: from $before to $after"
  same now "$(mqcons --since "$(date +%F -d '-1 day')" t)" "$zone: since a date"
  same "" "$(mqcons --since "$(date +%F -d '+2 days')" t)" "$zone: since a date to come"
  same 0 "$(mqctl group reset readers --to "@$before" -n --no-header | cut -f 5)" "$zone: reset to $before"
  same 1 "$(mqctl group reset readers --to "@$after" -n --no-header | cut -f 5)" "$zone: reset to $after"
  same now "$(mqctl segment dump -F '%s\n' -o "@$before.." "$segment")" "$zone: dump from $before"
  same "" "$(mqctl segment dump -F '%s\n' -o "@$after.." "$segment")" "$zone: dump from $after"
  same "" "$(mqcons --until today t)" "$zone: until today"
  same "" "$(mqcons --until yesterday t)" "$zone: until yesterday"
  # What is printed is in UTC.
  same "$(date -u +%F)" "$(mqcons -F '%{ts:iso}\n' t | cut -c 1-10)" "$zone: what is printed"
done

# A zone that is not known is not taken for UTC, but only by a time that needs it.
export TZ=Nowhere/Land
for tool in "mqcons --since 2025-01-31 t" "mqcons --until today t" "mqcons -o @2025-01-31.. t" \
            "mqctl group reset readers --to @2025-01-31 -n" "mqctl segment dump -o @today $segment"; do
  same 2 "$(status $tool)" "$tool in an unknown zone"
  says "TZ=Nowhere/Land: there is no such time zone here"
  says "is tzdata installed?"
done
same now "$(mqcons --since -1h t)" "a duration in an unknown zone"
same now "$(mqcons --since 2025-01-31T14:00+01:00 t)" "a time with its own zone in an unknown one"
echo "times are of the zone of TZ"
