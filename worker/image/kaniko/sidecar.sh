#!/bin/sh
# The sidecar's end of the `kaniko` command: builds what worker/kaniko/run-sidecar.ts asks for, one build at a time.
# Runs in ghcr.io/osscontainertools/kaniko:<version>-debug, which has a busybox shell and no more. The command puts this file into the
# shared folder, where the builders of our pools wait for it; elsewhere mount it, do not copy it into the image's root, which the
# executor cleans. KANIKO_SIDECAR_DIR is the folder that both containers have at the same path.
set -u
umask 022
executor=${KANIKO_EXECUTOR:-/kaniko/executor}
requests=${KANIKO_SIDECAR_DIR:?is not set: the folder that the worker shares with this container}/.kaniko
build=

# The pool stops this container: the build with it.
trap 'if [ -n "$build" ]; then kill -TERM "$build"; wait "$build"; fi; exit 0' TERM INT

# Lines of a file as arguments of the executor, which becomes this process.
start() {
  folder=$1
  export DOCKER_CONFIG="$folder/docker"
  set --
  while IFS= read -r argument; do set -- "$@" "$argument"; done < "$folder/arguments"
  # A volume of its image, which the executor leaves alone; but CRI-O makes a plain folder of it, which it would clean away.
  [ ! -d /busybox ] || set -- "$@" --ignore-path=/busybox
  exec "$executor" "$@"
}

serve() {
  folder=$1
  : > "$folder/alive"
  (start "$folder") > "$folder/log" 2>&1 &
  build=$!
  while kill -0 "$build" 2>/dev/null; do
    : > "$folder/alive"
    # The worker removes the folder when it no longer waits.
    if [ -e "$folder/cancel" ] || [ ! -d "$folder" ]; then
      signal=TERM
      [ -e "$folder/cancel" ] && IFS= read -r signal < "$folder/cancel"
      case $signal in INT | TERM | HUP) ;; *) signal=TERM ;; esac
      kill "-$signal" "$build" 2>/dev/null
      rm -f "$folder/cancel"
    fi
    sleep 1
  done
  wait "$build"
  answer "$folder" $?
  build=
}

answer() {
  [ ! -d "$1" ] || { echo "$2" > "$1/exit.new" && mv "$1/exit.new" "$1/exit"; }
}

# Taken by an earlier run of this script: the container was ended in the middle of it and started again.
for taken in "$requests"/*/alive; do
  folder=${taken%/alive}
  [ -e "$taken" ] && [ ! -e "$folder/exit" ] || continue
  echo 'kaniko sidecar: this container was ended during the build and started again; for want of memory, as a rule' >> "$folder/log"
  answer "$folder" 137
done

echo "kaniko sidecar: waiting for builds in $requests"
while :; do
  for request in "$requests"/*/request; do
    [ -e "$request" ] || continue
    [ -e "${request%/request}/alive" ] || serve "${request%/request}"
  done
  sleep 1
done
