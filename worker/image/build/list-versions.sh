#!/bin/sh
# Prints what is in this image: versions.json, with the versions that the build was given instead.
set -eu

exec jq --arg runner "${RUNNER_VERSION:-}" --arg node "${NODE_VERSION:-}" \
  --arg buildkit "${BUILDKIT_VERSION:-}" --arg kaniko "${KANIKO_VERSION:-}" '
  {
    runner: (if $runner == "" then .runner.version else $runner end),
    node: (if $node == "" then .node.version else $node end),
    buildkit: (if $buildkit == "" then .buildkit.version else $buildkit end),
    kaniko: (if $kaniko == "" then .kaniko.version else $kaniko end)
  }
' /build/versions.json
