#!/usr/bin/env bash
# The README's two commands in a fresh clone, as a user without rights: what passes only as root fails here.
set -euo pipefail
cd "$(dirname "$0")/.."

if [[ $(id -u) != 0 ]]; then
  echo "not played: this gate runs as an ordinary user itself"
  exit 0
fi

# It needs no entry in /etc/passwd.
readonly USER_ID=1000
place=$(mktemp -d /tmp/npu-dispatch-user.XXXXXX)
trap 'rm -rf "$place"' EXIT
# As /tmp and /home are: a runner's user must be able to list what is above its folder.
chmod 755 "$place"

as_user() {
  setpriv --reuid "$USER_ID" --regid "$USER_ID" --clear-groups env -i --chdir "$place/clone" \
    PATH="$(dirname "$(command -v npm)"):/usr/local/bin:/usr/bin:/bin" HOME="$place/home" TMPDIR="$place/tmp" LANG=C.UTF-8 CI=true \
    npm_config_cache="$place/npm" npm_config_registry="$(npm config get registry)" npm_config_update_notifier=false \
    ${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} ${no_proxy:+no_proxy="$no_proxy"} \
    "$@"
}

git clone --quiet --no-hardlinks . "$place/clone"
mkdir "$place/home" "$place/tmp" "$place/npm"
# What `npm ci` has just loaded for root.
cp -r "$(npm config get cache)/_cacache" "$place/npm/"
chown -R "$USER_ID:$USER_ID" "$place"

as_user npm ci --prefer-offline --no-audit --no-fund
as_user npm run --silent demo -- --json
as_user npm test

left=$(find "$place/tmp" -mindepth 1 -maxdepth 1 ! -name node-compile-cache)
if [[ -n $left ]]; then
  printf 'the tests left in the temporary folder:\n%s\n' "$left"
  exit 1
fi
