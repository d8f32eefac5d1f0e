#!/bin/bash
# Keeps the helper of the runner stand-in alive: markers, relaunch and exit codes as measured with runner 2.336.0. At each start the helper
# is copied anew into the runner's own folder, over the one that is there: actions/runner 258d6c857, layoutroot/run.sh:17, :41.

here="${BASH_SOURCE[0]%/*}"
[[ -d "$here" ]] || here=.

renew_helper() {
  cp -f "$here/run-helper.sh.template" "$here/run-helper.sh"
}

run_plain() {
  while true; do
    renew_helper
    "$here/run-helper.sh" "$@"
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
    renew_helper
    "$here/run-helper.sh" "$@" &
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
