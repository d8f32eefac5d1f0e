// An image as kaniko's: a shell, and an executor that writes down what it was asked and makes a tar. On a real engine.
import { expect } from "vitest";
import type { Engine } from "../../shared/adapters/pools/docker/engine/engine.ts";

/** Says as which user, with what rights and which variables it runs; waits where the Dockerfile says so. */
const EXECUTOR = `#!/bin/sh
for argument in "$@"; do
  echo "argument $argument"
  case $argument in
    --tar-path=*) tar=\${argument#*=} ;;
    --dockerfile=*) file=\${argument#*=} ;;
  esac
done
[ ! -e "$DOCKER_CONFIG/config.json" ] || echo "logins $(cat "$DOCKER_CONFIG/config.json")"
busybox grep -E "^(Uid|CapEff|NoNewPrivs)" /proc/self/status
env | busybox grep -v "^PWD=" | busybox cut -d= -f1 | busybox sort | busybox xargs echo variables
if busybox grep -q "^RUN sleep" "$file"; then sleep 600; fi
[ -z "\${tar:-}" ] || echo image > "$tar"
`;

export const BUILDER_IMAGE = "localhost/npu-dispatch-builder:test";

/** From the image of the engine's tests, see .ci/engine.sh. */
export async function makeBuilderImage(engine: Engine, from: string): Promise<void> {
  const script = `busybox mkdir -p /kaniko
    for name in mv rm; do busybox ln -sf busybox /bin/$name; done
    printf %s "$1" > /kaniko/executor; busybox chmod 755 /kaniko/executor`;
  const json = {
    Image: from,
    Entrypoint: ["/bin/sh", "-c", script, "sh", EXECUTOR],
    HostConfig: { NetworkMode: "none" },
  };
  const name = `npu-dispatch-builder-${process.pid}`;
  const path = `/containers/${name}`;
  const created = await engine.call({ method: "POST", path: "/containers/create", query: { name }, json });
  expect(created).toMatchObject({ status: 201 });
  try {
    await engine.call({ method: "POST", path: `${path}/start` });
    const { text } = await engine.call({ method: "POST", path: `${path}/wait` });
    expect(JSON.parse(text)).toMatchObject({ StatusCode: 0 });
    const [repo = "", tag = ""] = BUILDER_IMAGE.split(/:(?=[^/]*$)/);
    // Podman 4.3 wants a body.
    const query = { container: name, repo, tag };
    expect(await engine.call({ method: "POST", path: "/commit", query, json: {} })).toMatchObject({
      status: 201,
    });
  } finally {
    await engine.call({ method: "DELETE", path, query: { force: "1", v: "1" } });
  }
}
