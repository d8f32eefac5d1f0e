// What to write instead comes from the alternative that somebody chose, and knows the words of other programs.
import { expect, test } from "vitest";
import type { ConfigFault } from "../../shared/config/config.ts";
import { parseConfig } from "../../shared/config/parse.ts";

/** A document whose pool p has these settings. */
function faultsOf(pool: string): readonly ConfigFault[] {
  const parsed = parseConfig(`pools:\n  p: {${pool}}\nendpoints: [{name: a, pool: p}]\n`);
  return parsed.ok ? [] : parsed.faults;
}

const DOCKER = "driver: docker, kind: npu";
const KUBERNETES = "driver: kubernetes, kind: npu";

test.each<[string, string, RegExp]>([
  [`${DOCKER}, perCard: {memory: 96g}`, "perCard.memory", /512MiB or 64GiB/],
  [`${KUBERNETES}, perCard: {memory: 96GiB}`, "perCard.memory", /such as 64Gi\./],
  [`${DOCKER}, perCard: {cpu: 4}`, "perCard.cpu", /mean cpus\?/],
  [`${KUBERNETES}, perCard: {cpus: "4"}`, "perCard.cpus", /mean cpu\?/],
  [`${DOCKER}, builder: {cpu: "2"}`, "builder.cpu", /mean cpus\?/],
  [`${DOCKER}, builder: {memory: 4G}`, "builder.memory", /512MiB or 8GiB/],
  [`${DOCKER}, imagePullPolicy: Always`, "imagePullPolicy", /mean pullPolicy\?/],
  [`${KUBERNETES}, pullPolicy: always`, "pullPolicy", /mean imagePullPolicy\?/],
  [`${KUBERNETES}, pulPolicy: always`, "pulPolicy", /mean imagePullPolicy|there are driver, cluster/],
  [`${KUBERNETES}, runtime: nvidia`, "runtime", /mean runtimeClass\?/],
  [`${KUBERNETES}, mounts: []`, "mounts", /mean volumes, each with mountPath/],
  [`${DOCKER}, volumes: []`, "volumes", /mean mounts, each with source/],
  [
    `${DOCKER}, namespace: x`,
    "namespace",
    /^It is a setting of kubernetes\. Remove it; there are driver, host/,
  ],
  ["driver: local, kind: npu, image: x", "image", /setting of docker and kubernetes/],
  [`${KUBERNETES}, queue: {type: kueue}`, "queue.queue", /LocalQueue/],
  [`${KUBERNETES}, cluster: {auth: eks, server: x, cluster: c, region: r}`, "cluster.region", /eu-central-1/],
])("%s", (pool, setting, fix) => {
  const at = faultsOf(pool).filter(({ path }) => path === `pools.p.${setting}`);
  expect(at).toHaveLength(1);
  expect(at[0]?.fix).toMatch(fix);
});

test.each<[string, string, RegExp]>([
  ["driver: podman, kind: npu", "driver", /^Did you mean docker, with host: unix:.*podman\.sock/],
  ["driver: k8s, kind: npu", "driver", /^Did you mean kubernetes\?/],
  ["driver: Docker, kind: npu", "driver", /^Did you mean docker\?/],
  ["driver: kubernets, kind: npu", "driver", /^Did you mean kubernetes\?/],
  ["driver: nomad, kind: npu", "driver", /local \(.*; docker \(.*; kubernetes \(/],
  ["driver: constructor, kind: npu, name: x", "driver", /local \(/],
  ["kind: npu", "driver", /local \(.*; docker \(.*; kubernetes \(/],
  ["driver: docker, kind: ascend", "kind", /^Did you mean npu\?/],
  ["driver: docker, kind: GPU", "kind", /^Did you mean gpu\?/],
  [`${KUBERNETES}, imagePullPolicy: always`, "imagePullPolicy", /^Did you mean Always\?/],
  [`${KUBERNETES}, cluster: {auth: tokn}`, "cluster.auth", /^Did you mean token\?/],
  [`${KUBERNETES}, cluster: {auth: password}`, "cluster.auth", /in-cluster \(.*eks \(/],
  [`${DOCKER}, env: {A: 8}`, "env.A", /^Put it in quotes\./],
  [`${DOCKER}, perCard: {memory: 8}`, "perCard.memory", /^What belongs here/],
  [`${DOCKER}, mounts: [/data]`, "mounts[0]", /source, target, readOnly/],
])("a word that is none of ours: %s", (pool, setting, fix) => {
  expect(faultsOf(pool)).toEqual([
    expect.objectContaining({ path: `pools.p.${setting}`, fix: expect.stringMatching(fix) }),
  ]);
});

test("the choices that there are stand in the message, not another choice's description", () => {
  expect(faultsOf("driver: nomad, kind: npu")).toMatchObject([
    { message: "Expected one of local, docker, kubernetes." },
  ]);
  expect(faultsOf("kind: npu")).toMatchObject([
    { message: "Expected one of local, docker, kubernetes, but it is missing." },
  ]);
});

test.each(["96Gi", "96GiB"])("docker's memory may be written %s", (memory) => {
  const text = `pools: {p: {${DOCKER}, perCard: {memory: ${memory}}}}\nendpoints: [{name: a, pool: p}]\n`;
  expect(parseConfig(text)).toMatchObject({
    ok: true,
    config: { pools: [{ docker: { perCard: { memoryBytes: 96 * 1024 ** 3 } } }] },
  });
});

test("merge keys hold what several pools share", () => {
  const text = `
pools:
  a: &server {driver: docker, kind: npu, cards: 8, image: worker:1}
  b: {<<: *server, cards: 4}
endpoints: [{name: x, pool: a}, {name: y, pool: b}]
`;
  expect(parseConfig(text)).toMatchObject({
    ok: true,
    config: {
      pools: [{ cards: 8 }, { name: "b", driver: "docker", cards: 4, docker: { image: "worker:1" } }],
    },
  });
  expect(parseConfig("pools: {a: {<<: docker}}\nendpoints: []")).toMatchObject({
    faults: [{ path: "dispatch.yaml", message: expect.stringContaining("Merge sources must be maps") }],
  });
});
