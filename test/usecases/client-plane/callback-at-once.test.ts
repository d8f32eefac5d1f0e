// The first try of a callback, with the change that ends its job: once, bounded, and never instead of the reconciler.
import { describe, expect, test } from "vitest";
import type { Job } from "../../../shared/domain/job/job.ts";
import type { CallbackOutcome } from "../../../shared/ports/callback-sender.ts";
import { createSendAtOnce, owesFirstTry } from "../../../shared/usecases/client-plane/send-at-once.ts";
import { reconcile } from "../../../shared/usecases/reconcile/reconcile.ts";
import type { ApiWorld } from "./api-world.ts";
import { aCall, createApiWorld, end, jobOf, run } from "./api-world.ts";

const URL = "https://hooks.example/done";

type Receiver = (world: ApiWorld) => Promise<CallbackOutcome>;
const good: Receiver = async () => ({ type: "delivered" });
const broken: Receiver = async () => ({ type: "failed", message: "it answered 500, not 200" });

function createReceived(receive: Receiver) {
  const bodies: { id: string; status: string }[] = [];
  const world: ApiWorld = createApiWorld({
    cards: 0,
    api: {
      callbacks: {
        refusal: () => undefined,
        async send(_url, body) {
          bodies.push(JSON.parse(body));
          return receive(world);
        },
      },
    },
  });
  let jobs = 0;
  /** As the stream shows the write that ended it. */
  const ended = async (): Promise<Job> => {
    const call = aCall({ n: ++jobs });
    const { id } = await run(world, { ...call, body: { ...call.body, webhook: URL } });
    await end(world, id);
    return jobOf(world, id);
  };
  return { world, bodies, ended, sendAtOnce: createSendAtOnce(world.deps) };
}

const told = (job: Job) => ({ kind: "job", job }) as const;

describe("the change that ends a job", () => {
  test("sends its callback, whatever comes of the change twice", async () => {
    const { world, bodies, ended, sendAtOnce } = createReceived(good);
    const job = await ended();
    await sendAtOnce(told(job));
    await sendAtOnce(told(job));
    await reconcile(world.deps);
    expect(bodies).toMatchObject([{ id: job.id, status: "FAILED" }]);
    expect(world.log.of("callback-delivered")).toHaveLength(1);
  });

  test("makes one try together with a pass of the reconciler and another process", async () => {
    const { world, bodies, ended, sendAtOnce } = createReceived(good);
    const change = told(await ended());
    const elsewhere = createSendAtOnce(world.deps);
    await Promise.all([sendAtOnce(change), elsewhere(change), reconcile(world.deps)]);
    expect(bodies).toHaveLength(1);
  });

  test("leaves the two tries more to the reconciler", async () => {
    const { world, bodies, ended, sendAtOnce } = createReceived(broken);
    const job = await ended();
    await sendAtOnce(told(job));
    expect(owesFirstTry(told(await jobOf(world, job.id)))).toBe(false);
    for (let second = 0; second < 60; second++) {
      await sendAtOnce(told(await jobOf(world, job.id)));
      await reconcile(world.deps);
      world.clock.advance(1_000);
    }
    expect(bodies).toHaveLength(3);
    expect(world.log.of("callback-given-up")).toHaveLength(1);
  });

  test("is nothing to a job that asked for none, that goes on, or to a worker", async () => {
    const { world, bodies, sendAtOnce } = createReceived(good);
    const plain = await run(world);
    await sendAtOnce(told(plain));
    await end(world, plain.id);
    await sendAtOnce(told(await jobOf(world, plain.id)));
    const going = await run(world, aCall({ webhook: 1 }, { body: { input: 1, webhook: URL } }));
    await sendAtOnce(told(going));
    expect(bodies).toEqual([]);
  });
});

describe("a burden", () => {
  test("a tenant whose receiver takes 3 s is left to the reconciler for a minute, and nobody else is", async () => {
    const slow: Receiver = async (world) => {
      world.clock.advance(3_000);
      return { type: "delivered" };
    };
    const { world, bodies, ended, sendAtOnce } = createReceived(slow);
    const [first, second, third] = [await ended(), await ended(), await ended()];
    await sendAtOnce(told(first));
    await sendAtOnce(told(second));
    expect(bodies).toHaveLength(1);
    await sendAtOnce(told({ ...third, tenant: "4999" as Job["tenant"] }));
    expect(bodies).toHaveLength(2);
    world.clock.advance(60_000);
    await sendAtOnce(told(second));
    expect(bodies.map(({ id }) => id)).toEqual([first.id, third.id, second.id]);
  });

  test("of 60 ends at once 50 are sent with them, the others by the next pass; none is lost, none is twice", async () => {
    let release = (): void => undefined;
    const all = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { world, bodies, ended, sendAtOnce } = createReceived(async () => {
      await all;
      return { type: "delivered" };
    });
    const jobs: Job[] = [];
    for (let n = 0; n < 60; n++) jobs.push(await ended());
    const sending = jobs.map((job) => sendAtOnce(told(job)));
    await expect.poll(() => bodies.length).toBe(50);
    release();
    await Promise.all(sending);
    await reconcile(world.deps);
    expect(new Set(bodies.map(({ id }) => id))).toEqual(new Set(jobs.map(({ id }) => id)));
    expect(bodies).toHaveLength(60);
  });
});
