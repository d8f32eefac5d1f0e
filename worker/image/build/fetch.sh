#!/bin/bash
# Gets one pinned archive, checks it and unpacks it:
#   fetch.sh runner|node|buildkit FOLDER
#
# Reads versions.json beside itself for what is not in the environment: <NAME>_VERSION, <NAME>_URL, <NAME>_SHA256_X64, <NAME>_SHA256_ARM64.
# In a URL {version} and {arch} are replaced. A file of the archive's name in downloads/ is taken instead; it is checked too.
set -euo pipefail

readonly HERE=${BASH_SOURCE[0]%/*}
readonly VERSIONS=$HERE/versions.json DOWNLOADS=$HERE/downloads

main() {
  local name=$1 folder=$2 arch version url sum file
  arch=$(architecture)
  version=$(given "${name^^}_VERSION" || jq -er ".$name.version" "$VERSIONS")
  sum=$(checksum "$name" "$version" "$arch")
  file=$DOWNLOADS/$(archive "$name" "$version" "$arch")
  if [[ ! -f $file ]]; then
    url=$(given "${name^^}_URL" || default_url "$name" "$arch")
    url=${url//\{version\}/$version}
    url=${url//\{arch\}/$arch}
    mkdir -p "$DOWNLOADS"
    curl --fail --silent --show-error --location --retry 5 --output "$file" "$url" ||
      fail "$url could not be had. Set ${name^^}_URL to a mirror, or put ${file##*/} into worker/image/downloads."
  fi
  echo "$sum  $file" | sha256sum --check --quiet - ||
    fail "${file##*/} has not the SHA-256 $sum: it is damaged, or not what it says."
  mkdir -p "$folder"
  unpack "$name" "$file" "$folder"
  echo "$name $version for $arch: checked and unpacked"
}

fail() {
  echo "$*" >&2
  exit 1
}

given() {
  [[ -n ${!1:-} ]] && echo "${!1}"
}

# The names that both projects use in their archives.
architecture() {
  case ${TARGETARCH:-$(uname -m)} in
    amd64 | x86_64) echo x64 ;;
    arm64 | aarch64) echo arm64 ;;
    *) fail "There is no worker image for ${TARGETARCH:-$(uname -m)}; amd64 and arm64 exist." ;;
  esac
}

checksum() {
  local name=$1 version=$2 arch=$3 variable
  variable=${name^^}_SHA256_${arch^^}
  given "$variable" && return
  [[ $version == "$(jq -r ".$name.version" "$VERSIONS")" ]] ||
    fail "The SHA-256 of $name $version is not known here: set $variable, from the release's own page."
  jq -er ".$name.sha256.$arch" "$VERSIONS"
}

archive() {
  case $1 in
    runner) echo "actions-runner-linux-$3-$2.tar.gz" ;;
    node) echo "node-v$2-linux-$3.tar.gz" ;;
    buildkit) echo "buildkit-v$2.linux-${3/x64/amd64}.tar.gz" ;;
    *) fail "fetch.sh knows runner, node and buildkit, not $1" ;;
  esac
}

default_url() {
  case $1 in
    runner) echo 'https://github.com/actions/runner/releases/download/v{version}/actions-runner-linux-{arch}-{version}.tar.gz' ;;
    buildkit) echo "https://github.com/moby/buildkit/releases/download/v{version}/buildkit-v{version}.linux-${2/x64/amd64}.tar.gz" ;;
    node) echo 'https://nodejs.org/dist/v{version}/node-v{version}-linux-{arch}.tar.gz' ;;
  esac
}

# Of Node only the program and its licence: npm and headers are 80 MB that no worker uses. Of BuildKit only the client: the daemon
# and its emulators are 150 MB, and need more rights than a worker has.
unpack() {
  case $1 in
    runner) tar -xf "$2" -C "$3" --no-same-owner ;;
    node) tar -xf "$2" -C "$3" --no-same-owner --strip-components=1 --wildcards '*/bin/node' '*/LICENSE' ;;
    buildkit) tar -xf "$2" -C "$3" --no-same-owner bin/buildctl ;;
  esac
}

main "$@"
