#!/bin/sh
# Installs the libraries of .NET that actions/runner names itself for each distribution.
set -eu

installer=/home/runner/bin/installdependencies.sh
if [ ! -f "$installer" ]; then
  echo "This runner brings no installdependencies.sh; nothing to install."
  exit 0
fi
export DEBIAN_FRONTEND=noninteractive
"$installer"
apt-get clean
rm -rf /var/lib/apt/lists/* /var/cache/debconf/*-old /var/log/apt /var/log/dpkg.log
