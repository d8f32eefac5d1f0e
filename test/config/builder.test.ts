// The builder of a pool in dispatch.yaml: one setting turns it on, and what is wrong with it is said at its place.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { stringify } from "yaml";
import { parseConfig } from "../../shared/config/parse.ts";

const ROOT = join(import.meta.dirname, "..", "..");

function parse(driver: "docker" | "kubernetes", builder: object) {
  const pool = { driver, kind: "cpu", builder };
  return parseConfig(
    stringify({
      pools: { builds: pool },
      endpoints: [
        { name: "linux-cpu", pool: "builds" },
        { name: "linux-build", pool: "builds" },
      ],
      tenants: [{ owner: "acme" }],
    }),
  );
}

function faultsOf(builder: object) {
  const parsed = parse("kubernetes", builder);
  return parsed.ok ? [] : parsed.faults;
}

test("builder: {} is enough, for both drivers", () => {
  const image = "ghcr.io/osscontainertools/kaniko:v1.28.3-debug";
  const common = { image, folder: "/home/runner/_work", endpoints: undefined };
  expect(parse("kubernetes", {})).toMatchObject({
    ok: true,
    config: { pools: [{ kubernetes: { builder: { ...common, cpu: "2", memory: "4Gi" } } }] },
  });
  expect(parse("docker", {})).toMatchObject({
    ok: true,
    config: { pools: [{ docker: { builder: { ...common, cpus: undefined, memoryBytes: 4 * 1024 ** 3 } } }] },
  });
});

test("its image is of the version that the worker image is made for", () => {
  const { kaniko } = JSON.parse(readFileSync(join(ROOT, "worker/image/versions.json"), "utf8"));
  expect(readFileSync(join(ROOT, "shared/config/pools/builder.ts"), "utf8")).toContain(
    `"ghcr.io/osscontainertools/kaniko:${kaniko.version}-debug"`,
  );
});

test.each([["gcr.io/kaniko-project/executor:v1.24.0-debug"], ["mirror/kaniko-project/executor"]])(
  "Google's archived image %s is refused, with the one to take",
  (image) => {
    expect(faultsOf({ image })).toEqual([
      expect.objectContaining({
        path: "pools.builds.builder.image",
        message: expect.stringMatching(/archived in June 2025.*ghcr\.io\/osscontainertools\/kaniko/),
      }),
    ]);
  },
);

test("an endpoint that the pool does not have is a fault with the name that was meant", () => {
  expect(faultsOf({ endpoints: ["linux-cpu"] })).toEqual([]);
  expect(faultsOf({ endpoints: ["linux-cpu", "linux-biuld"] })).toEqual([
    {
      path: "pools.builds.builder.endpoints[1]",
      message: 'Pool "builds" has no endpoint "linux-biuld", so nobody gets a builder by that name.',
      fix: "Did you mean linux-build?",
    },
  ]);
  expect(faultsOf({ endpoints: ["other"] })).toMatchObject([
    { fix: "Write one of: linux-cpu, linux-build." },
  ]);
});

test("a folder has no slash at its end, or the volume would be another one", () => {
  expect(faultsOf({ folder: "/home/runner/_work/" })).toMatchObject([
    { path: "pools.builds.builder.folder" },
  ]);
});
