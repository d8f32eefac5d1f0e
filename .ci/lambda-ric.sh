#!/usr/bin/env bash
# Builds AWS's own runtime for Node, aws-lambda-ric, into the cache, for `npm run demo -- --lambda` and the tests. It is no dependency of
# this program: it compiles curl and a client in C++, which takes a minute or three. Where that cannot be done this says so in one line.
# With CI=true (or --install) it installs the compiler from Debian's packages.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PWD/node_modules/.bin:$PATH

# As in test/fakes/lambda/find-ric.ts.
VERSION=4.0.2
CACHE=${NPU_DISPATCH_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/npu-dispatch}
DIR=$CACHE/aws-lambda-ric-$VERSION-$(node -p process.arch)
work=
trap 'rm -rf "$work"' EXIT

main() {
  [[ ! -f $DIR/node_modules/aws-lambda-ric/rapid-client.node ]] || { echo "aws-lambda-ric $VERSION is in $DIR"; return 0; }
  [[ ${CI:-} != true && ${1:-} != --install ]] || install
  for program in cmake make g++ xz python3; do
    command -v "$program" >/dev/null || go_without "$program is missing (apt-get install cmake make g++ xz-utils python3, or $0 --install)"
  done
  mkdir -p "$CACHE"
  work=$(mktemp -d "$CACHE/ric.XXXXXX")
  echo '{"private":true}' >"$work/package.json"
  npm install --prefix "$work" --no-audit --no-fund --foreground-scripts "aws-lambda-ric@$VERSION" >"$CACHE/lambda-ric.log" 2>&1 ||
    go_without "it does not build: $(tail -n 1 "$CACHE/lambda-ric.log") (all of it: $CACHE/lambda-ric.log)"
  [[ -f $work/node_modules/aws-lambda-ric/rapid-client.node ]] || go_without "its build left nothing: see $CACHE/lambda-ric.log"
  # Whole or not at all.
  rm -rf "$DIR"
  mv "$work" "$DIR"
  echo "aws-lambda-ric $VERSION is built in $DIR"
}

go_without() {
  echo "no aws-lambda-ric, so the functions run under a stand-in for Lambda's runtime: $*"
  exit 0
}

install() {
  local log=$CACHE/lambda-ric.apt.log packages=(cmake make g++ xz-utils python3)
  mkdir -p "$CACHE"
  export DEBIAN_FRONTEND=noninteractive
  dpkg --status "${packages[@]}" >/dev/null 2>&1 ||
    apt-get install -y --no-install-recommends "${packages[@]}" >"$log" 2>&1 ||
    { apt-get update >"$log" 2>&1 && apt-get install -y --no-install-recommends "${packages[@]}" >>"$log" 2>&1; } ||
    go_without "apt-get install failed: $(tail -n 1 "$log")"
}

main "$@"
