#!/bin/bash
# Registers or removes the runner stand-in, under the same conditions as the real config.sh.

if [[ $EUID -eq 0 && -z "$RUNNER_ALLOW_RUNASROOT" ]]; then
  echo "Must not run with sudo"
  exit 1
fi

here="${BASH_SOURCE[0]%/*}"
[[ -d "$here" ]] || here=.

# With .NET's library beside it: what that needs. Lines 12-63 of 258d6c857, of which this has the first and the last.
if [[ -e "$here/bin/libcoreclr.so" ]]; then
  command -v ldd >/dev/null || {
    echo "Can not find 'ldd'. Please install 'ldd' and try again."
    exit 1
  }
  ldconfig=$(command -v ldconfig || echo /sbin/ldconfig)
  "$ldconfig" -NXv ${LD_LIBRARY_PATH//:/ } 2>&1 | grep libicu >/dev/null 2>&1 || {
    echo "Libicu's dependencies is missing for Dotnet Core 6.0"
    echo "Execute sudo ./bin/installdependencies.sh to install any missing Dotnet Core 6.0 dependencies."
    exit 1
  }
fi

command=configure
if [[ "${1,,}" == remove ]]; then
  command=remove
  shift
fi
exec node "$here/bin/runner.mjs" "$command" "$@"
