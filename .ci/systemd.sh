#!/usr/bin/env bash
# systemd-analyze for the test of the unit in docs/deploy.md, from Debian's package. Where there is none that test says it is not run.
set -euo pipefail

! command -v systemd-analyze >/dev/null || exit 0
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt-get install -y --no-install-recommends systemd >"$log" 2>&1 ||
  { apt-get update >"$log" 2>&1 && apt-get install -y --no-install-recommends systemd >>"$log" 2>&1; } ||
  echo "no systemd-analyze: apt-get install systemd failed: $(tail -n 1 "$log")"
