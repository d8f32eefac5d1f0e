#!/bin/bash
# Keeps the listener of the runner stand-in alive: markers, relaunch and exit codes as measured with runner 2.336.0.

here="${BASH_SOURCE[0]%/*}"
[[ -d "$here" ]] || here=.

listen() {
  if [[ $EUID -eq 0 && -z "$RUNNER_ALLOW_RUNASROOT" ]]; then
    echo "Must not run interactively with sudo"
    return 1
  fi
  node "$here/bin/runner.mjs" run "$@"
  settle $?
}

# The listener's exit code becomes 0 (end), 2 (start again) or 7 (too old, when the caller wants to know).
settle() {
  if [[ $1 -eq 7 && "$ACTIONS_RUNNER_RETURN_VERSION_DEPRECATED_EXIT_CODE" == 1 ]]; then
    echo "Runner listener exit with deprecated version exit code: 7."
    return 7
  fi
  case $1 in
    0) echo "Runner listener exit with 0 return code, stop the service, no retry needed." ;;
    1) echo "Runner listener exit with terminated error, stop the service, no retry needed." ;;
    2)
      echo "Runner listener exit with retryable error, re-launch runner in 5 seconds."
      sleep 5
      return 2
      ;;
    5) echo "Runner listener exit with Session Conflict error, stop the service, no retry needed." ;;
    *) echo "Exiting with unknown error code: $1" ;;
  esac
  return 0
}

run_plain() {
  while true; do
    listen "$@"
    local code=$?
    if [[ $code -ne 2 ]]; then
      echo "Exiting runner..."
      [[ $code -eq 7 ]] && exit 7
      exit 0
    fi
    echo "Restarting runner..."
  done
}

# A signal ends `wait` at once: the last line comes before the listener's own, and the code is 128 + the signal.
run_trapping() {
  set -m
  trap 'kill -INT -- -$child' INT TERM
  while true; do
    listen "$@" &
    child=$!
    wait $child
    local code=$?
    if [[ $code -ne 2 ]]; then
      echo "Exiting runner..."
      trap - INT TERM
      wait $child
      exit $code
    fi
    echo "Restarting runner..."
  done
}

if [[ -z "$RUNNER_MANUALLY_TRAP_SIG" ]]; then
  run_plain "$@"
else
  run_trapping "$@"
fi
