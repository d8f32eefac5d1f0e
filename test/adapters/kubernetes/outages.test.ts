// The API server down, slow, half open, failing, or its answers lost: true words, nothing twice, and all is well after it.
import { expect, test } from "vitest";
import { POLL } from "../../contract/pool-driver-contract.ts";
import { openWorld, type PoolWorld, specOf } from "./pool-world.ts";

const OUTAGES: {
  readonly [name: string]: { begin(world: PoolWorld): unknown; end(world: PoolWorld): unknown; says: RegExp };
} = {
  down: {
    begin: ({ cluster }) => cluster.api.down(),
    end: ({ cluster }) => cluster.api.up(),
    says: /API server http:\/\/127\.0\.0\.1:\d+ could not be reached \(ECONNREFUSED\)/,
  },
  "half open": {
    begin: ({ cluster }) => {
      cluster.api.faults.halfOpen = true;
    },
    end: ({ cluster }) => {
      cluster.api.faults.halfOpen = false;
    },
    says: /did not answer in time/,
  },
  slow: {
    begin: ({ cluster }) => {
      cluster.api.faults.slowMs = 3_000;
    },
    end: ({ cluster }) => {
      cluster.api.faults.slowMs = 0;
    },
    says: /did not answer in time/,
  },
  failing: {
    begin: ({ cluster }) => {
      cluster.api.faults.refuse.times = 1_000;
    },
    end: ({ cluster }) => {
      cluster.api.faults.refuse.times = 0;
    },
    says: /Internal error occurred/,
  },
};

test.each(Object.entries(OUTAGES))(
  "%s: starts wait, questions fail visibly, then all goes on",
  async (_name, outage) => {
    await using world = await openWorld({ timeoutMs: 800 });
    const [before, during] = [specOf(), specOf()];
    await world.driver.start(before);
    await expect.poll(() => world.runner.containers.length, POLL).toBe(1);
    await outage.begin(world);
    const outcome = await world.driver.start(during);
    expect(outcome).toMatchObject({ type: "unavailable", message: expect.stringMatching(outage.says) });
    expect(JSON.stringify(outcome)).not.toContain("worker-token");
    const questions = [
      world.driver.inspect(before.workerId),
      world.driver.list(),
      world.driver.logsTail(before.workerId, 1),
      world.driver.stop(before.workerId, 0),
    ];
    await Promise.all(questions.map((question) => expect(question).rejects.toThrow(outage.says)));
    expect(world.runner.containers[0]?.signals).toEqual([]);
    await outage.end(world);
    expect(await world.driver.start(during)).toEqual({ type: "started" });
    await expect.poll(() => world.runner.containers.length, POLL).toBe(2);
    expect(await world.driver.stop(before.workerId, 1_000)).toBe("gone");
    expect(await world.driver.list()).toEqual([during.workerId]);
  },
);

test.each([
  ["the Job's creation", /^POST .*\/jobs/],
  ["the Secret's creation", /^POST .*\/secrets/],
  ["the dry run", /^POST .*\/pods/],
])("the answer to %s is lost: one worker, with its environment", async (_name, of) => {
  await using world = await openWorld();
  const spec = specOf();
  world.cluster.api.faults.loseAnswers = { times: 1, of };
  expect(await world.driver.start(spec)).toEqual({ type: "started" });
  await expect.poll(() => world.runner.containers.length, POLL).toBe(1);
  expect(world.cluster.objects("Job")).toHaveLength(1);
  expect(world.runner.containers[0]?.spec.env).toMatchObject(spec.env);
});

test("all answers are lost: what was started is found by the next start, or stopped", async () => {
  await using world = await openWorld();
  const [kept, dropped] = [specOf(), specOf()];
  for (const spec of [kept, dropped]) {
    world.cluster.api.faults.loseAnswers = { times: 2, of: /^POST .*\/jobs/ };
    expect(await world.driver.start(spec)).toMatchObject({ type: "unavailable" });
  }
  expect(world.cluster.objects("Job")).toHaveLength(2);
  expect(await world.driver.start(kept)).toEqual({ type: "started" });
  expect(await world.driver.stop(dropped.workerId, 0)).toBe("gone");
  await expect.poll(() => world.runner.containers.length, POLL).toBe(1);
  expect(await world.driver.list()).toEqual([kept.workerId]);
});

test("the answers to a stop are lost: it is gone all the same", async () => {
  await using world = await openWorld();
  const spec = specOf();
  await world.driver.start(spec);
  await expect.poll(() => world.runner.containers.length, POLL).toBe(1);
  world.cluster.api.faults.loseAnswers = { times: 1, of: /^DELETE/ };
  expect(await world.driver.stop(spec.workerId, 1_000)).toBe("gone");
  expect(world.runner.containers[0]?.signals[0]).toBe("TERM");
});

test("connections are kept: a hundred calls open no more than a few", async () => {
  await using world = await openWorld();
  for (let n = 0; n < 50; n++) await world.driver.list();
  expect(world.cluster.api.requests).toHaveLength(100);
  expect(world.cluster.api.connections()).toBeLessThanOrEqual(2);
});
