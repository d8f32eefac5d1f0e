// What the seed document says of its kaniko, row by row: https://github.com/GoogleContainerTools/kaniko there, three back
// ends here.
import { describe, expect, test } from "vitest";
import { withBuilder } from "../../shared/adapters/pools/kubernetes/job/builder-sidecar.ts";
import { buildkitArguments } from "../../worker/kaniko/buildkit-arguments.ts";
import { chooseBackend } from "../../worker/kaniko/choose-backend.ts";
import { registryLogins } from "../../worker/kaniko/docker-config.ts";
import { FLAGS } from "../../worker/kaniko/flags.ts";
import { parseArguments } from "../../worker/kaniko/parse-arguments.ts";
import { sidecarRequest } from "../../worker/kaniko/sidecar-request.ts";
import { specOf } from "../adapters/kubernetes/pool-world.ts";
import { settingsOf } from "../contract/kubernetes-pool-under-test.ts";

const SOURCES = { type: "folder", folder: "/w/app", dockerfile: "/w/app/Dockerfile" } as const;
const BASIC = [
  "--dockerfile=./Dockerfile",
  "--context=.",
  "--destination=docker.io/username/image:tag",
  "--cache=true",
  "--cache-repo=docker.io/username/cache",
];

/** The same call for both kinds of builder. */
function planOf(args: readonly string[]) {
  const parsed = parseArguments(args);
  if (!parsed.ok) throw new Error(parsed.fault);
  const options = new Map([...parsed.options].filter(([name]) => !["context", "dockerfile"].includes(name)));
  const buildkit = buildkitArguments(options, SOURCES);
  const sidecar = sidecarRequest(options, SOURCES, "/w");
  if (!buildkit.ok || !sidecar.ok) throw new Error("refused");
  return { buildkit: buildkit.args.join("\n"), sidecar: sidecar.text };
}

describe("the basic call", () => {
  test.each(["dockerfile", "context", "destination", "cache", "cache-repo", "label"])(
    "--%s is known",
    (name) => {
      expect(FLAGS.map((flag) => flag.name)).toContain(name);
    },
  );

  test("works word for word with either builder", () => {
    const { buildkit, sidecar } = planOf(BASIC);
    expect(sidecar).toContain("--destination=docker.io/username/image:tag\n");
    expect(buildkit).toContain("name=docker.io/username/image:tag,push=true");
  });
});

describe("its features", () => {
  test("no Docker daemon: neither builder asks for a socket of one", () => {
    expect(chooseBackend({ DOCKER_HOST: "unix:///var/run/docker.sock" })).toMatchObject({ ok: false });
    expect(JSON.stringify(planOf(BASIC))).not.toContain("docker.sock");
  });

  test("no privileged mode: not for the worker, and not for what builds beside it", () => {
    const builder = { image: "kaniko:1", folder: "/w", endpoints: undefined };
    const who = { spec: specOf(), settings: settingsOf({ builder }) };
    const pod = withBuilder({ containers: [{ name: "worker" }] }, who);
    expect(pod.initContainers).toMatchObject([
      { securityContext: { privileged: false, allowPrivilegeEscalation: false } },
    ]);
  });

  test("layer cache in a registry, named or beside the image", () => {
    const named = planOf(BASIC);
    expect(named.sidecar).toContain("--cache-repo=docker.io/username/cache\n");
    expect(named.buildkit).toContain("ref=docker.io/username/cache:buildkit-cache");
    expect(planOf(BASIC.slice(0, 4)).buildkit).toContain("ref=docker.io/username/image/cache:");
  });

  test("multi-stage builds: a stage may be named", () => {
    const { buildkit, sidecar } = planOf([...BASIC, "--target=runtime"]);
    expect(sidecar).toContain("--target=runtime\n");
    expect(buildkit).toContain("--opt=target=runtime");
  });

  test.each([
    ["Docker Hub", "docker.io/acme/app:1"],
    ["Google's registry", "gcr.io/acme/app:1"],
    ["Amazon's registry", "1234.dkr.ecr.eu-west-1.amazonaws.com/app:1"],
  ])("pushes to %s", (_title, image) => {
    const { buildkit, sidecar } = planOf([`--destination=${image}`]);
    expect(sidecar).toContain(`--destination=${image}\n`);
    expect(buildkit).toContain(`name=${image},push=true`);
  });

  test("several tags and metadata labels", () => {
    const more = [
      "--destination=docker.io/username/image:latest",
      "--label=org.opencontainers.image.revision=7f",
    ];
    const { buildkit, sidecar } = planOf([...BASIC, ...more]);
    expect(sidecar.match(/--destination=/g)).toHaveLength(2);
    expect(sidecar).toContain("--label=org.opencontainers.image.revision=7f\n");
    expect(buildkit).toContain("--opt=label:org.opencontainers.image.revision=7f");
  });
});

test("logins are read from /kaniko/.docker/config.json, where its workflow writes them", () => {
  expect(registryLogins({})).toBe("/kaniko/.docker");
});
