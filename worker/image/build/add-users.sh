#!/bin/sh
# Adds the two users of the image, and the runner to the group of the NPUs' device files: add-users.sh [gid of that group]
set -eu

device_gid=${1:-}

main() {
  # 1001 is the runner's number in GitHub's own image: what is on a volume from there fits.
  add runner 1001 /home/runner
  add worker 1002 /nonexistent
  [ -z "$device_gid" ] || join_device_group
  # The second: a volume that a pool mounts there, to share it with a builder, takes over its owner.
  install -d -o runner -g runner -m 0755 /home/runner /home/runner/_work
  # Without it each connection of the runner waits for about a second: worker/runner/service-cache.ts.
  install -d -o runner -g runner -m 0700 /home/runner/.config
  install -d -o root -g root -m 0755 /opt/npu-dispatch /var/lib/npu-dispatch
  # Where a job puts its registry logins: `kaniko` looks here. The folder above is root's, for the supervisor empties this one, and
  # as a root without DAC_OVERRIDE it could not pass through a folder of the runner's alone.
  install -d -o root -g root -m 0755 /kaniko
  install -d -o runner -g runner -m 0700 /kaniko/.docker
}

add() {
  if getent passwd "$1" >/dev/null || getent passwd "$2" >/dev/null || getent group "$2" >/dev/null; then
    echo "The base image has a user or group \"$1\" or of the number $2 already; the worker image needs both free." >&2
    exit 1
  fi
  groupadd --gid "$2" "$1"
  useradd --uid "$2" --gid "$2" --home-dir "$3" --no-create-home --no-log-init --shell /bin/bash "$1"
}

# The driver gives /dev/davinci* to its group HwHiAiUser, whose number on the host counts and not its name.
join_device_group() {
  case $device_gid in
    *[!0-9]*)
      echo "DEVICE_GID is the number of a group, not \"$device_gid\"." >&2
      exit 1
      ;;
  esac
  getent group "$device_gid" >/dev/null || groupadd --gid "$device_gid" HwHiAiUser
  usermod --append --groups "$(getent group "$device_gid" | cut -d: -f1)" runner
}

main
