// All that is not ours: GitHub with its hook and its API, and the pool with the workers in its containers.
import type { WorkflowJobWord } from "../../shared/domain/github-event.ts";
import type { StartSpec } from "../../shared/ports/pool-driver.ts";
import type { Deps } from "../../shared/usecases/deps.ts";
import type { GithubCalls } from "./github-calls.ts";
import { createGithubCalls } from "./github-calls.ts";
import type { SimRunner } from "./github-things.ts";
import type { GithubWorld } from "./github-world.ts";
import { createGithubWorld } from "./github-world.ts";
import type { Ground } from "./ground.ts";
import type { Hook } from "./hook.ts";
import { createHook } from "./hook.ts";
import type { Container, SimPool } from "./sim-pool.ts";
import { createSimPool } from "./sim-pool.ts";
import type { SimWorker } from "./sim-worker.ts";
import { createSimWorker } from "./sim-worker.ts";

export type Outside = {
  readonly github: GithubWorld;
  readonly calls: GithubCalls;
  readonly hook: Hook;
  readonly pool: SimPool;
  /** Of containers that live, twins too. */
  readonly workers: ReadonlyMap<Container, SimWorker>;
  /** Of containers that have ended. */
  readonly former: readonly StartSpec[];
};

export type OutsideOptions = {
  /** Our webhook. */
  readonly post: (word: WorkflowJobWord) => Promise<unknown>;
  /** Our worker plane. */
  readonly ask: <T>(useCase: (deps: Deps) => Promise<T>) => Promise<T>;
};

export function createOutside(ground: Ground, { post, ask }: OutsideOptions): Outside {
  const { plan, scene, trace, watch, table, drawFor } = ground;
  const workers = new Map<Container, SimWorker>();
  const former: StartSpec[] = [];
  const hook = createHook({ ...ground, draw: drawFor("hook"), post });
  const github = createGithubWorld({
    ...ground,
    draw: drawFor("github"),
    announces: plan.announces,
    // Where we have never had a job we cannot look for one.
    tell: (word) => hook.tell(word, table.all.repositories.has(word.repository.id)),
    onRun: (job, runner) => trace.note("runner", "Running job", runner.name, `gh-${job.id}`),
  });
  const calls = createGithubCalls({
    ...ground,
    world: github,
    hook,
    onRemovedAtWork: ({ name, job }) =>
      watch.broken("running-killed", `the registration of ${name} was removed while it ran gh-${job?.id}`),
  });
  let boots = 0;
  const pool = createSimPool({
    ...ground,
    draw: drawFor("pool"),
    cards: scene.cards,
    onStart,
    onEnd(container) {
      workers.get(container)?.die();
      workers.delete(container);
      former.push(container.spec);
    },
    onStop: (container) => watch.stopped(container, table.all.workers.get(container.id), runnerIn(container)),
  });
  return { github, calls, hook, pool, workers, former };

  function onStart(container: Container, bootMs: number | undefined): void {
    watch.started(container, pool.living());
    if (bootMs === undefined) return;
    const bootId = `boot-${++boots}`;
    const options = {
      ...ground,
      draw: drawFor(bootId),
      bootId,
      container,
      bootMs,
      pool,
      world: github,
      github: calls,
    };
    workers.set(container, createSimWorker({ ...options, ...plan, call: ask }));
  }

  /** The runner whose process is in this container. */
  function runnerIn(container: Container): SimRunner | undefined {
    return workers.get(container)?.hasRunner === true ? github.runners.get(container.id) : undefined;
  }
}
