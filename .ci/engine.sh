#!/usr/bin/env bash
# Makes a container engine ready for the tests and prints its address, fit for DOCKER_HOST.
#
#   export DOCKER_HOST=$(.ci/engine.sh)
#
# With DOCKER_HOST set it takes that engine and only imports the test image. Else it starts Podman's Docker-compatible
# service with a store of its own, which ends by itself after 15 idle minutes. With CI=true (or --install) it installs
# what is missing from Debian's packages; otherwise it says what that is and ends with code 3.
set -euo pipefail

IMAGE=localhost/npu-dispatch-test
TAG=1
DIR=${NPU_DISPATCH_ENGINE_DIR:-/tmp/npu-dispatch-engine-$(id -u)}
SOCKET=$DIR/podman.sock

main() {
  local install=no
  [[ ${CI:-} != true && ${1:-} != --install ]] || install=yes
  need "$install" curl curl
  need "$install" busybox busybox-static
  mkdir -p -m 700 "$DIR"
  [[ -O $DIR ]] || give_up "$DIR belongs to another user"
  # Several test files ask at once.
  exec 9>"$DIR/lock"
  flock 9
  local host=${DOCKER_HOST:-}
  if [[ -z $host ]]; then
    host=unix://$SOCKET
    answers "$host" || start_podman "$install"
  fi
  answers "$host" || give_up "no engine answers at $host"
  import_image "$host"
  echo "$host"
}

give_up() {
  echo "no container engine for the tests: $*" >&2
  exit 3
}

need() {
  local install=$1 program=$2 package=$3
  ! command -v "$program" >/dev/null || return 0
  [[ $install == yes ]] || give_up "$program is missing (apt-get install $package, or $0 --install)"
  apt_install "$package"
}

apt_install() {
  export DEBIAN_FRONTEND=noninteractive
  local log=$DIR.apt.log
  apt-get install -y --no-install-recommends "$@" >"$log" 2>&1 ||
    { apt-get update >"$log" 2>&1 && apt-get install -y --no-install-recommends "$@" >>"$log" 2>&1; } ||
    give_up "apt-get install $* failed: $(tail -n 1 "$log")"
}

engine_call() {
  local host=$1 path=$2
  shift 2
  case $host in
    unix://*) curl -sS --max-time 20 --unix-socket "${host#unix://}" "$@" "http://docker$path" ;;
    *) curl -sS --max-time 20 "$@" "http://${host#tcp://}$path" ;;
  esac
}

answers() {
  [[ $(engine_call "$1" /_ping 2>/dev/null) == OK ]]
}

start_podman() {
  [[ $(id -u) == 0 ]] || give_up "podman is started as root only; set DOCKER_HOST to an engine of yours"
  local install=$1
  need "$install" podman podman
  need "$install" runc runc
  # Podman's init for containers.
  [[ -x /usr/libexec/podman/catatonit || -x /usr/bin/catatonit ]] || {
    [[ $install == yes ]] || give_up "catatonit is missing (apt-get install catatonit, or $0 --install)"
    apt_install catatonit
  }
  # Podman's own limits are above what a machine without CAP_SYS_RESOURCE allows; soft and hard are equal, since
  # Podman 4.3 confuses them.
  printf '[containers]\ndefault_ulimits = ["nofile=%s:%s", "nproc=8192:8192"]\n' "$(open_files)" "$(open_files)" >"$DIR/containers.conf"
  export CONTAINERS_CONF=$DIR/containers.conf
  # crun does not run on a host with both versions of cgroups.
  local podman=(podman --root "$DIR/store" --runroot "$DIR/run" --storage-driver overlay --runtime runc)
  # From a folder that stays: its containers cannot start where the caller's is gone.
  cd /
  setsid "${podman[@]}" system service --time=900 "unix://$SOCKET" </dev/null >"$DIR/service.log" 2>&1 9>&- &
  for _ in $(seq 100); do
    ! answers "unix://$SOCKET" || return 0
    sleep 0.1
  done
  give_up "podman's service did not start: $(tail -n 1 "$DIR/service.log")"
}

open_files() {
  local most
  most=$(ulimit -Hn)
  [[ $most != unlimited && $most -le 65536 ]] || most=65536
  echo "$most"
}

# A root file system of one static program under a few names.
import_image() {
  local host=$1 root name id
  ! engine_call "$host" "/v1.41/images/$IMAGE:$TAG/json" -f >/dev/null 2>&1 || return 0
  root=$(mktemp -d "$DIR/root.XXXXXX")
  mkdir -p "$root"/{bin,tmp,proc,dev,etc}
  cp "$(command -v busybox)" "$root/bin/busybox"
  ! ldd "$root/bin/busybox" >/dev/null 2>&1 || give_up "busybox needs libraries (apt-get install busybox-static)"
  for name in sh sleep setsid env cat; do ln -s busybox "$root/bin/$name"; done
  tar -C "$root" --numeric-owner --owner=0 --group=0 -cf "$root.tar" .
  engine_call "$host" "/v1.41/images/create?fromSrc=-" -X POST -H 'Content-Type: application/x-tar' \
    --data-binary "@$root.tar" >"$DIR/import.log" || give_up "the test image was not imported: $(tail -n 1 "$DIR/import.log")"
  rm -r "$root" "$root.tar"
  # Podman 4.3 forgets the name that an import may have.
  id=$(grep -o 'sha256:[0-9a-f]\{64\}' "$DIR/import.log" | tail -n 1) || true
  engine_call "$host" "/v1.41/images/$id/tag?repo=$IMAGE&tag=$TAG" -X POST -f >/dev/null ||
    give_up "the test image was not imported: $(tail -c 300 "$DIR/import.log")"
}

main "$@"
