// What a process remembers: the one process serves all calls with one memory, a sandbox of a function those that it served.
import { expect, test } from "vitest";
import type { Life } from "./port.ts";
import { createProcesses } from "./processes.ts";
import { createTimeline } from "./timeline.ts";
import { createTrace } from "./trace.ts";

type Deps = { readonly life: Life };

const AWAY_MS = 1_000;

function createWorld(form: "single" | "cloud") {
  const timeline = createTimeline(0);
  const processes = createProcesses<Deps>({
    timeline,
    trace: createTrace({ now: timeline.now, start: 0, keep: false }),
    form,
    depsOf: ({ life }) => ({ life }),
    onError() {},
    onCrash() {},
    onReturn() {},
  });
  const lifeOf = (process: "api" | "dispatch") => processes.call(process, 1_000, async ({ life }) => life);
  return { timeline, processes, lifeOf };
}

test("the one process has one memory for all its calls, until it ends", async () => {
  const { timeline, processes, lifeOf } = createWorld("single");
  const [one, other, next] = [await lifeOf("api"), await lifeOf("dispatch"), await lifeOf("api")];
  expect(other === one && next === one).toBe(true);
  processes.goAway(AWAY_MS);
  await timeline.play(AWAY_MS);
  expect(one.isOver).toBe(true);
  expect((await lifeOf("api")) === one).toBe(false);
});

test("a function has one for each of its sandboxes, and keeps it", async () => {
  const { lifeOf } = createWorld("cloud");
  const [one, meanwhile] = await Promise.all([lifeOf("api"), lifeOf("api")]);
  expect(one === meanwhile).toBe(false);
  expect([one, meanwhile]).toContain(await lifeOf("api"));
});

test("a call's time limit counts from its first wait on, whoever waits in its process", async () => {
  const { timeline, processes } = createWorld("single");
  const waiting = processes.call("api", 1_000, async ({ life }) => {
    life.onWait();
    await timeline.pause(5_000);
  });
  const outcome = expect(waiting).rejects.toThrow("api took too long");
  await timeline.play(2_000);
  await outcome;
});
