# Sourced by scripts that watch or disturb a daemon's system calls, after situation.sh.
command -v strace >/dev/null || { echo "strace is not installed"; exit 77; }
tracer=
at_end() { [ -z "$tracer" ] || kill -INT "$tracer" 2>/dev/null || true; }

# trace OPTION...: strace on the running daemon, into $work/trace. Returns when every thread is in its hands.
trace() {
  strace -f -qq -o "$work/trace" -p "$mqd_pid" "$@" 2>"$work/strace.log" &
  tracer=$!
  all_traced() {
    kill -0 "$tracer" 2>/dev/null || { echo "strace cannot trace here: $(cat "$work/strace.log")"; exit 77; }
    ! grep -h '^TracerPid:' "/proc/$mqd_pid"/task/*/status | grep -q '[[:space:]]0$'
  }
  until_true 10 all_traced
}
end_trace() { kill -INT "$tracer"; wait "$tracer" 2>/dev/null || true; tracer=; }
