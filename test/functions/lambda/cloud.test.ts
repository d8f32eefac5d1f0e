// Workflow jobs through the built functions: real HTTP, real streams, frozen and discarded sandboxes, repeated batches.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { demoConfig } from "../../../scripts/demo/config.ts";
import { githubJobId, poolName } from "../../../shared/domain/ids.ts";
import { isTerminal } from "../../../shared/domain/job/job.ts";
import { until } from "../../e2e/until.ts";
import { type CloudWorld, startCloudWorld } from "../../fakes/lambda/world.ts";

const JOBS = 6;
const ORG = "demo-org";
const POOL = poolName("local");

describe("the serverless form", () => {
  let world: CloudWorld | undefined;

  beforeAll(async () => {
    world = await startCloudWorld({
      seed: 7,
      config: demoConfig(),
      organization: ORG,
      scheduleMs: 500,
      coldStartEvery: 5,
      repeatShare: 0.5,
      // No connection outlives a freeze, however short.
      freezes: { deadAfterMs: 0, silentShare: 0 },
    });
  }, 60_000);
  afterAll(async () => {
    await world?.stop();
  }, 30_000);

  test("runs workflow jobs to their end and leaves nothing", { timeout: 90_000 }, async () => {
    if (world === undefined) throw new Error("it did not start");
    const { github, stores, cloud, pool, log } = world;
    const detail = (): string => `${JSON.stringify(cloud.stats())}\n${log.slice(-30).join("\n")}`;
    const ids = Array.from({ length: JOBS }, (_, at) => {
      const labels = [at % 2 === 0 ? "linux-arm64-npu-1" : "linux-arm64-npu-2"];
      return github.queueWorkflowJob({ owner: ORG, repo: "repo", labels, run: ["echo done"] }).id;
    });
    await until(
      "all jobs to end",
      async () => {
        const jobs = await Promise.all(ids.map((id) => stores.jobs.get(githubJobId(id))));
        return jobs.every((job) => job !== undefined && isTerminal(job));
      },
      { limitMs: 60_000, detail },
    );
    expect(ids.map((id) => github.workflowJob(id).conclusion)).toEqual(ids.map(() => "success"));
    await until(
      "nothing to be left",
      async () => {
        const ledger = await stores.pools.get(POOL);
        const workers = (await pool.list()).length + (await stores.workers.live(POOL)).length;
        const runners = github.runners(ORG).length;
        return workers + runners === 0 && Object.keys(ledger?.reservations ?? {}).length === 0;
      },
      { limitMs: 30_000, detail },
    );
    const { functions, stream } = cloud.stats();
    expect(functions).toMatchObject({
      webhook: { invocations: expect.toSatisfy((count: number) => count >= JOBS * 3) },
      api: { coldStarts: expect.toSatisfy((count: number) => count > 1) },
    });
    // Which function meets them depends on the load; freeze.test.ts looks at each.
    const died = Object.values(functions).map(({ deadConnections }) => deadConnections);
    expect(Math.max(...died)).toBeGreaterThan(0);
    expect(stream.repeats).toBeGreaterThan(0);
    expect(stream.discarded).toBe(0);
    expect(log.filter((line) => line.includes('"level":"error"'))).toEqual([]);
  });
});
