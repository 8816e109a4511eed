# Sourced after situation.sh by scripts that look at /metrics and health of an mqd started with --metrics 127.0.0.1:0; of the
# several of members.sh, of the one that $scraped names.

# http_get PATH [METHOD]: the status line and the body, with bash alone.
http_get() {
  local port; port=$(sed -n 's|.*metrics and health are at http://127.0.0.1:\([0-9]*\).*|\1|p' "$work/${scraped:-mqd}.log" | tail -1)
  [ -n "$port" ] || fail "mqd did not say where its metrics are"
  exec 9<>"/dev/tcp/127.0.0.1/$port"
  printf '%s %s HTTP/1.1\r\nHost: mqd\r\nConnection: close\r\n\r\n' "${2:-GET}" "$1" >&9
  awk 'NR == 1 { print $2 } body { print } /^\r$/ { body = 1 }' <&9
  exec 9>&-
}
status_of_path() { http_get "$@" | head -1; }
scrape() { http_get /metrics | tail -n +2; }

# metric SERIES: its value now, as it is written ('mq_topics', 'mq_groups{state="Empty"}'); 0 when it is not shown.
metric() { scrape | awk -v series="$1" 'substr($0, 1, length(series) + 1) == series " " { print $NF; found = 1 } END { if (!found) print 0 }'; }
# is_metric SERIES VALUE, for until_true.
is_metric() { [ "$(metric "$1")" = "$2" ]; }
# requests API: how many of that kind came so far; more_requests_than N API, for until_true.
requests() { metric "mq_requests_total{api=\"$1\"}"; }
more_requests_than() { [ "$(requests "$2")" -gt "$1" ]; }
