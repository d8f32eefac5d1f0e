// All that is not ours: GitHub with its hook and its API, and the pools with the workers in their containers.
import type { WorkflowJobWord } from "../../../shared/domain/github-event.ts";
import type { PoolName } from "../../../shared/domain/ids.ts";
import { githubJobId } from "../../../shared/domain/ids.ts";
import type { WorkflowRunWord } from "../../../shared/ports/github.ts";
import type { Deps } from "../../../shared/usecases/deps.ts";
import type { Hook } from "../engine/hook.ts";
import { createHook } from "../engine/hook.ts";
import type { Ground } from "../ground.ts";
import type { ScenePool } from "../scenery.ts";
import { poolsOf } from "../scenery.ts";
import type { GithubCalls } from "./github-calls.ts";
import { createGithubCalls } from "./github-calls.ts";
import type { SimRunner } from "./github-things.ts";
import type { GithubWorld } from "./github-world.ts";
import { createGithubWorld } from "./github-world.ts";
import type { Container, SimPool } from "./sim-pool.ts";
import { createSimPool } from "./sim-pool.ts";
import { createSimProgram } from "./sim-program.ts";
import type { SimWorker } from "./sim-worker.ts";
import { createSimWorker } from "./sim-worker.ts";

export type Outside = {
  readonly github: GithubWorld;
  readonly calls: GithubCalls;
  readonly hook: Hook;
  readonly pools: ReadonlyMap<PoolName, SimPool>;
  poolOf(container: Container): SimPool;
  /** Ended ones too. */
  containers(): Container[];
  living(): Container[];
  /** Of containers that live, twins too. */
  readonly workers: ReadonlyMap<Container, SimWorker>;
  /** Of containers that have ended. */
  readonly former: readonly Container[];
};

export type OutsideOptions = {
  /** Our webhook. */
  readonly post: (word: WorkflowJobWord) => Promise<unknown>;
  /** Of clients of the API. */
  readonly runOf: (runId: number) => WorkflowRunWord | undefined;
  /** Our worker plane. */
  readonly ask: <T>(useCase: (deps: Deps) => Promise<T>) => Promise<T>;
};

/** Clocks of two processes differ by no more. */
const SKEW_MS = 5_000;

export function createOutside(ground: Ground, { post, ask, runOf }: OutsideOptions): Outside {
  const { plan, scene, trace, weather, watch, table, drawFor } = ground;
  const workers = new Map<Container, SimWorker>();
  const former: Container[] = [];
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
    runOf,
    onRemovedAtWork: ({ name, job }) =>
      watch.broken("running-killed", `the registration of ${name} was removed while it ran gh-${job?.id}`),
  });
  let boots = 0;
  const pools = new Map(poolsOf(scene).map((place) => [place.name, openPool(place)]));
  return { github, calls, hook, pools, poolOf, containers, living, workers, former };

  function openPool(place: ScenePool): SimPool {
    return createSimPool({
      ...ground,
      draw: drawFor(`pool ${place.name}`),
      place,
      onMade: (container) => watch.started(container, poolOf(container).living()),
      onStart,
      onEnd(container) {
        workers.get(container)?.die();
        workers.delete(container);
        former.push(container);
      },
      onStop: (container) =>
        watch.stopped(container, table.all.workers.get(container.id), {
          runner: runnerIn(container),
          work: workers.get(container)?.work,
        }),
    });
  }

  function poolOf({ pool }: Container): SimPool {
    return pools.get(pool.name) as SimPool;
  }

  function containers(): Container[] {
    return [...pools.values()].flatMap((pool) => [...pool.containers.values()]);
  }

  function living(): Container[] {
    return [...pools.values()].flatMap((pool) => pool.living());
  }

  function onStart(container: Container, bootMs: number | undefined): void {
    if (bootMs === undefined) return;
    const bootId = `boot-${++boots}`;
    const pool = poolOf(container);
    const inChorus = plan.inChorus === true;
    const options = {
      ...ground,
      inChorus,
      draw: drawFor(bootId),
      bootId,
      container,
      bootMs,
      pool,
      call: ask,
    };
    const isProgram = container.spec.command !== undefined;
    workers.set(
      container,
      isProgram
        ? createSimProgram(options)
        : createSimWorker({
            ...options,
            ...plan,
            world: github,
            github: calls,
            onDrain: (reason) => lookAtDrain(container, reason),
          }),
    );
  }

  /** GitHub has given it a job that we knew to be equal to its own: whoever interrupts it now may end that job. */
  function lookAtDrain({ id }: Container, reason: string): void {
    const given = github.runners.get(id)?.job;
    const job = given && table.all.jobs.get(githubJobId(given.id));
    const askedAt = watch.times.drainsSince(id) ?? 0;
    // Who else is there for equal jobs an index says: one that is behind may leave somebody out.
    const isBlind = weather.lasts("store-stale") !== undefined;
    if (job === undefined || reason !== "surplus" || isBlind || job.createdAt >= askedAt - SKEW_MS) return;
    watch.broken("drained-with-job", `${id} was asked to end as surplus, and GitHub had given it ${job.id}`);
  }

  /** The runner whose process is in this container. */
  function runnerIn(container: Container): SimRunner | undefined {
    return workers.get(container)?.hasRunner === true ? github.runners.get(container.id) : undefined;
  }
}
