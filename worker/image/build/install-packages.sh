#!/bin/sh
# Installs what a worker and most jobs need: install-packages.sh [further packages]
set -eu

if ! command -v apt-get >/dev/null; then
  echo "The base image has no apt-get. Take one made from Ubuntu or Debian, for CANN a tag with -ubuntu in it." >&2
  exit 1
fi

export DEBIAN_FRONTEND=noninteractive
apt-get update
# shellcheck disable=SC2086
apt-get install -y --no-install-recommends \
  ca-certificates curl git git-lfs jq openssh-client procps python3 python3-pip python3-venv \
  tar tini unzip util-linux xz-utils zip $*
apt-get clean
rm -rf /var/lib/apt/lists/* /var/cache/debconf/*-old /var/log/apt /var/log/dpkg.log
