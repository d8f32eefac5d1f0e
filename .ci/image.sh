#!/usr/bin/env bash
# Builds the images as CI can: without a registry of images and without GitHub. Prints the tag of the worker's CPU variant.
#
#   export DOCKER_HOST=$(.ci/engine.sh); image=$(.ci/image.sh)
#
# A Debian root file system made by debootstrap stands in for the three base images, the runner stand-in for actions/runner, and
# Node is the one that npm ci brought, and a line of shell stands in for buildctl. All three variants are built; that of the NPU and
# the GPU differ by their base image only.
# The dispatcher's base is that root file system with Node and this machine's npm, which takes packages from its cache first.
# With CI=true (or --install) it installs what is missing from Debian's packages. `--check` also runs test/image.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PWD/node_modules/.bin:$PATH

SUITE=bookworm
BASE=localhost/npu-dispatch-base:$SUITE
IMAGE=localhost/npu-dispatch-worker
NODE_BASE=localhost/npu-dispatch-node:$SUITE
DISPATCHER=localhost/npu-dispatch:dev
# Of .ci/engine.sh: the same store, so that its engine has the images at once.
DIR=${NPU_DISPATCH_ENGINE_DIR:-/tmp/npu-dispatch-engine-$(id -u)}
CACHE=${NPU_DISPATCH_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/npu-dispatch}
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT

main() {
  install=no check=no
  [[ ${CI:-} != true ]] || install=yes
  for option in "$@"; do
    case $option in
      --install) install=yes ;;
      --check) check=yes ;;
      *) give_up "unknown option $option; there are --install and --check" ;;
    esac
  done
  # Its images are in a store of ours, which the engine of engine.sh reads, too.
  [[ -z ${DOCKER_HOST:-} || $DOCKER_HOST == "unix://$DIR/podman.sock" ]] ||
    give_up "DOCKER_HOST is another engine than that of .ci/engine.sh; unset it"
  DOCKER_HOST=$(.ci/engine.sh $([[ $install == no ]] || echo --install))
  export DOCKER_HOST CONTAINERS_CONF=$DIR/containers.conf CONTAINERS_STORAGE_CONF=$WORK/storage.conf
  printf '[storage]\ndriver = "overlay"\ngraphroot = "%s"\nrunroot = "%s"\n' "$DIR/store" "$DIR/run" >"$CONTAINERS_STORAGE_CONF"
  # Neither crun nor user namespaces on a host with both versions of cgroups.
  export BUILDAH_ISOLATION=chroot
  need buildah buildah
  need debootstrap debootstrap
  import_base
  pack_archives
  for variant in cpu gpu npu; do build "$variant"; done
  build_node_base
  build_dispatcher
  [[ $check == no ]] || NPU_DISPATCH_IMAGE=$IMAGE:dev-cpu NPU_DISPATCH_DISPATCHER_IMAGE=$DISPATCHER vitest run test/image >&2
  echo "$IMAGE:dev-cpu"
}

say() {
  printf '%s\n' "$*" >&2
}

give_up() {
  say "the worker image was not built: $*"
  exit 3
}

need() {
  ! command -v "$1" >/dev/null || return 0
  [[ $install == yes ]] || give_up "$1 is missing (apt-get install $2, or $0 --install)"
  local log=$WORK/apt.log
  export DEBIAN_FRONTEND=noninteractive
  apt-get install -y --no-install-recommends "$2" >"$log" 2>&1 ||
    { apt-get update >"$log" 2>&1 && apt-get install -y --no-install-recommends "$2" >>"$log" 2>&1; } ||
    give_up "apt-get install $2 failed: $(tail -n 1 "$log")"
}

import_base() {
  ! buildah inspect --type image "$BASE" >/dev/null 2>&1 || return 0
  local archive=$CACHE/debian-$SUITE-$(dpkg --print-architecture).tar
  [[ -f $archive ]] || debian "$archive"
  say "importing $archive"
  printf 'FROM scratch\nADD root.tar /\nCMD ["/bin/bash"]\n' >"$WORK/Dockerfile.base"
  mkdir "$WORK/base"
  ln "$archive" "$WORK/base/root.tar" 2>/dev/null || cp "$archive" "$WORK/base/root.tar"
  buildah build --file "$WORK/Dockerfile.base" --tag "$BASE" "$WORK/base" >"$WORK/base.log" 2>&1 ||
    give_up "the base image: $(tail -n 1 "$WORK/base.log")"
  rm -r "$WORK/base"
}

debian() {
  local mirror
  mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' "Codename: $SUITE" 'Component: main' | head -n 1)
  say "debootstrap $SUITE from ${mirror:-its default mirror}"
  mkdir -p "$CACHE"
  debootstrap --variant=minbase "$SUITE" "$WORK/root" ${mirror:+"$mirror"} >"$WORK/debootstrap.log" 2>&1 ||
    give_up "debootstrap: $(tail -n 1 "$WORK/debootstrap.log")"
  rm -rf "$WORK/root/var/cache/apt/archives" "$WORK/root/var/lib/apt/lists"
  mkdir -p "$WORK/root/var/cache/apt/archives/partial" "$WORK/root/var/lib/apt/lists/partial"
  # Renamed when it is whole: it is used again.
  tar -C "$WORK/root" --numeric-owner -cf "$1.new" .
  mv "$1.new" "$1"
  rm -rf "$WORK/root"
}

# The layout of the projects' own archives. Not compressed: it is unpacked once, on this machine.
pack_archives() {
  local arch
  arch=$(node -p process.arch)
  tar -C test/fakes/runner --exclude=install.ts --owner=0 --group=0 --mode=a+rx -cf "$WORK/runner.tar" .
  tar -C node_modules --owner=0 --group=0 --transform "s,^node-linux-$arch,node-v0-linux-$arch," \
    -cf "$WORK/node.tar" "node-linux-$arch/bin/node" "node-linux-$arch/LICENSE"
  mkdir -p "$WORK/buildkit/bin"
  printf '#!/bin/sh\necho "buildctl stand-in $*"\n' >"$WORK/buildkit/bin/buildctl"
  echo 'not for the image' >"$WORK/buildkit/bin/buildkitd"
  tar -C "$WORK/buildkit" --owner=0 --group=0 --mode=a+rx -cf "$WORK/buildkit.tar" bin
  SUMS=(
    --build-arg "RUNNER_SHA256_${arch^^}=$(sha256sum "$WORK/runner.tar" | cut -d' ' -f1)"
    --build-arg "NODE_SHA256_${arch^^}=$(sha256sum "$WORK/node.tar" | cut -d' ' -f1)"
    --build-arg "BUILDKIT_SHA256_${arch^^}=$(sha256sum "$WORK/buildkit.tar" | cut -d' ' -f1)"
  )
}

build() {
  local log=$WORK/build-$1.log started=$SECONDS
  local gid=()
  [[ $1 != npu ]] || gid=(--build-arg DEVICE_GID=1000)
  node scripts/image.ts --variant "$1" --engine buildah --tag "$IMAGE:dev-$1" --base-image "$BASE" \
    --runner-tarball "$WORK/runner.tar" --node-tarball "$WORK/node.tar" --buildkit-tarball "$WORK/buildkit.tar" "${SUMS[@]}" "${gid[@]}" >"$log" 2>&1 || {
    tail -n 30 "$log" >&2
    give_up "the variant $1, see above"
  }
  say "built $IMAGE:dev-$1 in $((SECONDS - started)) s"
}

# The layout of Docker's official image.
build_node_base() {
  local root=$WORK/node-base npm
  npm=$(dirname "$(dirname "$(readlink -f "$(command -v npm)")")")
  [[ -f $npm/package.json ]] || give_up "$(command -v npm) is not npm's own program"
  mkdir -p "$root"/{bin,etc,lib/node_modules}
  cp "node_modules/node-linux-$(node -p process.arch)/bin/node" "$root/bin/node"
  cp -RL "$npm" "$root/lib/node_modules/npm"
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$root/bin/npm"
  echo 'prefer-offline=true' >"$root/etc/npmrc"
  printf 'FROM %s\nCOPY . /usr/local/\n' "$BASE" >"$WORK/Dockerfile.node"
  buildah build --file "$WORK/Dockerfile.node" --tag "$NODE_BASE" "$root" >"$WORK/node-base.log" 2>&1 ||
    give_up "the dispatcher's base image: $(tail -n 1 "$WORK/node-base.log")"
}

build_dispatcher() {
  local log=$WORK/build-dispatcher.log started=$SECONDS cache
  cache=$(npm config get cache)
  mkdir -p "$cache"
  buildah build --file deploy/dispatcher/Dockerfile --ignorefile deploy/dispatcher/Dockerfile.dockerignore \
    --build-arg "BASE_IMAGE=$NODE_BASE" --build-arg "NPM_REGISTRY=$(npm config get registry)" \
    --build-arg "IMAGE_CREATED=$(date -u +%FT%TZ)" --volume "$cache:/root/.npm" --tag "$DISPATCHER" . >"$log" 2>&1 || {
    tail -n 30 "$log" >&2
    give_up "the dispatcher, see above"
  }
  say "built $DISPATCHER in $((SECONDS - started)) s"
}

main "$@"
