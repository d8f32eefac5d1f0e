// A runner group that does not admit the job's repository: told at once, not after the idle limit of a runner in vain.
import { expect, test } from "vitest";
import { isQuiet, jobOf, play } from "../../fakes/play.ts";
import { createWorld } from "../../fakes/world.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

test.each(["token", "jit"] as const)(
  "%s: a group that does not admit the repository is told before a runner is registered",
  async (registration) => {
    const world = createWorld({ script: { registration } });
    const { workflowJobId: id } = world.github.queue();
    await world.deliver();
    const repository = (await jobOf(world, id)).github?.repository.name ?? "";
    world.github.closedTo.add(repository);
    await play(world, { forMs: MINUTE_MS });
    const { hold, state } = await jobOf(world, id);
    expect(state).toBe("IN_QUEUE");
    expect(hold).toMatchObject({
      reason: "registration-refused",
      message: expect.stringContaining(`does not admit repository ${repository}`),
    });
    expect(world.github.calls.registrationToken + world.github.calls.jitConfig).toBe(0);
    world.github.closedTo.clear();
    expect(await play(world, { forMs: HOUR_MS, until: isQuiet })).toBe(true);
    expect((await jobOf(world, id)).state).toBe("COMPLETED");
  },
);
