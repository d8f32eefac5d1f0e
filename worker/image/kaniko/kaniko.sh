#!/bin/sh
# The command `kaniko` of the worker image (/usr/local/bin/kaniko). Node by its full path: a job may have put another on PATH.
exec "${KANIKO_NODE:-/opt/npu-dispatch/node/bin/node}" /opt/npu-dispatch/kaniko/kaniko.mjs "$@"
