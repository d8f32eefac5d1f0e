#!/usr/bin/env bash
# The Docker driver's contract, the images' tests and the main job in a container, on a real Docker Engine: Debian's docker.io, started as
# root with a folder of its own, for as long as this runs. Without a bridge and iptables of its own: containers here have the host's network
# or none. Where it cannot be started this says so in one line, and ends well: Podman has had the same tests.
# The images are those that .ci/image.sh has built; without them it is the contract alone.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PWD/node_modules/.bin:$PATH

DIR=${NPU_DISPATCH_DOCKER_DIR:-/tmp/npu-dispatch-docker}
# Of .ci/engine.sh and .ci/image.sh.
STORE=${NPU_DISPATCH_ENGINE_DIR:-/tmp/npu-dispatch-engine-$(id -u)}
WORKER=localhost/npu-dispatch-worker:dev-cpu
DISPATCHER=localhost/npu-dispatch:dev
engine=

main() {
  [[ $(id -u) == 0 ]] || go_without "it is started as root only"
  command -v dockerd >/dev/null || [[ ${CI:-} == true ]] || go_without "dockerd is missing (apt-get install docker.io)"
  mkdir -p -m 700 "$DIR"
  command -v dockerd >/dev/null || install
  trap stop EXIT
  start_engine overlay2 || start_engine vfs || go_without "dockerd does not start here: $(tail -n 1 "$DIR/log")"
  export DOCKER_HOST=unix://$DIR/docker.sock
  echo "Docker Engine $(call /version | grep -o '"Version":"[^"]*"' | head -n 1 | cut -d'"' -f4) answers at $DOCKER_HOST"
  vitest run --project long test/contract/docker-{pool,builder}.test.ts test/e2e/container-engine.test.ts
  load "$WORKER" && load "$DISPATCHER" || return 0
  NPU_DISPATCH_IMAGE=$WORKER NPU_DISPATCH_DISPATCHER_IMAGE=$DISPATCHER vitest run test/image
  npm run --silent demo -- --pool docker --image "$WORKER" --json | tail -c 300
}

go_without() {
  echo "no Docker Engine on this machine, so the Docker driver is tested on Podman alone: $*"
  exit 0
}

install() {
  export DEBIAN_FRONTEND=noninteractive
  apt-get install -y --no-install-recommends docker.io >"$DIR/apt.log" 2>&1 ||
    { apt-get update >"$DIR/apt.log" 2>&1 && apt-get install -y --no-install-recommends docker.io >>"$DIR/apt.log" 2>&1; } ||
    go_without "apt-get install docker.io failed: $(tail -n 1 "$DIR/apt.log")"
}

start_engine() {
  stop
  dockerd --host "unix://$DIR/docker.sock" --data-root "$DIR/data" --exec-root "$DIR/exec" --pidfile "$DIR/pid" \
    --storage-driver "$1" --iptables=false --ip6tables=false --bridge=none >"$DIR/log" 2>&1 &
  engine=$!
  for _ in $(seq 300); do
    [[ $(call /_ping 2>/dev/null) != OK ]] || return 0
    kill -0 "$engine" 2>/dev/null || return 1
    sleep 0.1
  done
  return 1
}

stop() {
  [[ -n $engine ]] || return 0
  kill "$engine" 2>/dev/null || true
  wait "$engine" 2>/dev/null || true
  engine=
}

call() {
  curl -sS --max-time 300 --unix-socket "$DIR/docker.sock" "${@:2}" "http://docker$1"
}

# From the store that buildah filled.
load() {
  local archive=$DIR/image.tar
  rm -f "$archive"
  podman --root "$STORE/store" --runroot "$STORE/run" --storage-driver overlay save --output "$archive" "$1" >"$DIR/save.log" 2>&1 || {
    echo "there is no image $1 (.ci/image.sh): $(tail -n 1 "$DIR/save.log")"
    return 1
  }
  call /images/load -X POST -H 'Content-Type: application/x-tar' --data-binary "@$archive" -f >"$DIR/load.log"
  rm -f "$archive"
}

main "$@"
