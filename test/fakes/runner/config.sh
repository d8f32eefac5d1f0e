#!/bin/bash
# Registers or removes the runner stand-in, under the same conditions as the real config.sh.

if [[ $EUID -eq 0 && -z "$RUNNER_ALLOW_RUNASROOT" ]]; then
  echo "Must not run with sudo"
  exit 1
fi

here="${BASH_SOURCE[0]%/*}"
[[ -d "$here" ]] || here=.
command=configure
if [[ "${1,,}" == remove ]]; then
  command=remove
  shift
fi
exec node "$here/bin/runner.mjs" "$command" "$@"
