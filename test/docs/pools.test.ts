// docs/pools.md: its examples are valid, and the Kubernetes ones make Jobs that the API server takes.
import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import * as yaml from "yaml";
import { cardObjection } from "../../shared/adapters/pools/kubernetes/job/card-resources.ts";
import { workerJob } from "../../shared/adapters/pools/kubernetes/job/worker-job.ts";
import { formatFaults } from "../../shared/config/config.ts";
import { parseConfig } from "../../shared/config/parse.ts";
import { specOf } from "../adapters/kubernetes/pool-world.ts";
import { validateObject } from "../fakes/kubernetes/api/validate.ts";

const text = await readFile(new URL("../../docs/pools.md", import.meta.url), "utf8");
const blocks = [...text.matchAll(/^ *```yaml\n([\s\S]*?)^ *```/gm)].map(([, block = ""]) => block);
const examples = blocks.flatMap((block) => {
  const { pools } = yaml.parse(block) as { pools?: { [name: string]: object } };
  return Object.entries(pools ?? {});
});

function poolOf(name: string, pool: object) {
  const counts = "allowedCounts" in pool ? (pool.allowedCounts as number[]) : [1];
  const endpoints = counts.map((cards) => ({ name: `${name}-${cards}`, pool: name, cards }));
  const parsed = parseConfig(yaml.stringify({ pools: { [name]: pool }, endpoints }));
  if (!parsed.ok) throw new Error(formatFaults(parsed.faults));
  return { counts, spec: parsed.config.pools[0]! };
}

test("it has examples of both", () => {
  const drivers = examples.map(([, pool]) => ("driver" in pool ? pool.driver : undefined));
  expect(drivers.filter((driver) => driver === "kubernetes").length).toBeGreaterThanOrEqual(5);
  expect(drivers).toContain("docker");
});

describe.each(examples)("the example %s", (name, pool) => {
  test("is valid, with an endpoint for each count that it allows", () => {
    const { counts, spec } = poolOf(name, pool);
    expect(spec.name).toBe(name);
    if (spec.driver !== "kubernetes") return;
    for (const cards of counts) {
      expect(cardObjection(cards, spec.kubernetes)).toBeUndefined();
      const owner = { deployment: "test00", pool: name };
      const start = specOf({ cards, command: undefined });
      const { kubernetes: settings } = spec;
      const plan = { spec: start, settings, owner, namespace: "npu", image: settings.image ?? "" };
      validateObject({ plural: "jobs", group: "batch", kind: "Job" }, workerJob(plan), true);
    }
  });
});

test("the driver's files from the host are volumes as a pool takes them", () => {
  const { volumes } = yaml.parse(blocks.find((block) => block.trimStart().startsWith("volumes:")) ?? "");
  const pool = { driver: "kubernetes", kind: "npu", image: "worker:1", volumes };
  const { spec } = poolOf("a2", pool);
  if (spec.driver !== "kubernetes") throw new Error("it is a kubernetes pool");
  expect(spec.kubernetes.volumes.map((volume) => volume.type === "host" && volume.file)).toEqual([
    false,
    false,
    true,
    true,
  ]);
  expect(spec.kubernetes.volumes.every(({ readOnly }) => readOnly)).toBe(true);
});
