// 500 jobs at once for 4 warm programs: RunPod's own clients on both sides, real HTTP, the server of `npm start`.
import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import runpodSdk from "runpod-sdk";
import { hashKey } from "../functions/http/client/auth.ts";
import { createServe, ORG } from "../test/e2e/serve-process.ts";
import { until } from "../test/e2e/until.ts";

const ENDPOINT = "load";
const KEY = `npud_${"l".repeat(40)}`;
const PROGRAMS = 4;
const JOBS = 500;
const JOBS_QUICKLY = 60;
const JOB_MS = 5;
/** Long enough that no program comes back for the job of another one while they boot: `import runpod` takes seconds. */
const WARM_UP_MS = 15_000;
/** Of one client: below the 200 calls of /run that a tenant may have under way. */
const AT_ONCE = 100;
const CALL_MS = 60_000;
/** While no job has ended for so long, those that are open are stuck. */
const STILL_MS = 60_000;
const WARM_LIMIT_MS = 120_000;

export type ApiLoad = {
  readonly completed: number;
  /** Not ended, while no other has ended for a minute. */
  readonly stuck: number;
  /** Begun by more than one program, or twice. */
  readonly doubled: number;
  /** From the first `/run` to the last end, by job. */
  readonly msPerJob: number;
  readonly jobs: number;
  readonly program: string;
};

/** Fails, as the process's exit code, unless every job is COMPLETED with its own result and began once. */
export async function run(_json: boolean, isQuick = false): Promise<ApiLoad> {
  const dir = await mkdtemp(join(tmpdir(), "npu-dispatch-api-load-"));
  const program = chooseProgram();
  const serve = await createServe({
    cards: PROGRAMS,
    extend: (_github, { ownerId }) => ({
      endpoints: [
        {
          name: ENDPOINT,
          pool: "local",
          cards: 1,
          startedBy: "api",
          labels: ["load"],
          command: program.command,
        },
      ],
      apiKeys: [{ name: "bench", owner: ORG, ownerId, hash: hashKey(KEY) }],
    }),
  });
  const dispose = async () => {
    await serve.dispose();
    await rm(dir, { recursive: true, force: true });
  };
  // The programs are processes of their own, which would stay.
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => void dispose().finally(() => process.exit(1)));
  }
  try {
    await serve.start();
    const load = { url: serve.url, began: join(dir, "began") };
    await warmUp({ ...load, began: join(dir, "warm") });
    const figures = await measure(load, isQuick ? JOBS_QUICKLY : JOBS);
    if (figures.completed !== figures.jobs || figures.stuck > 0 || figures.doubled > 0) process.exitCode = 1;
    return { ...figures, program: program.name };
  } finally {
    await dispose();
  }
}

type Load = {
  readonly url: string;
  /** File in which each program notes a job that it begins. */
  readonly began: string;
};

/** The real SDK where this machine has it; `BENCH_PYTHON` names another interpreter. */
function chooseProgram(): { readonly name: string; readonly command: readonly string[] } {
  const python = process.env["BENCH_PYTHON"] ?? "python3";
  const print = "import runpod, sys; print(sys.executable); print(runpod.__version__)";
  const { status, stdout } = spawnSync(python, ["-c", print], { encoding: "utf8" });
  const [path = "", version = ""] = (stdout ?? "").trim().split("\n").slice(-2);
  return status === 0
    ? {
        name: `runpod ${version} for Python`,
        command: [path, join(import.meta.dirname, "sdk", "handler.py")],
      }
    : {
        name: "a loop like the SDK's",
        command: [process.execPath, join(import.meta.dirname, "sdk", "loop.mjs")],
      };
}

function endpointOf({ url }: Load) {
  const endpoint = runpodSdk(KEY, { baseUrl: `${url}/v2` }).endpoint(ENDPOINT);
  if (endpoint === null) throw new Error("the SDK has no endpoint");
  return endpoint;
}

async function warmUp(load: Load): Promise<void> {
  const endpoint = endpointOf(load);
  const numbers = Array.from({ length: PROGRAMS }, (_, number) => number);
  const input = { ms: WARM_UP_MS, began: load.began };
  await Promise.all(numbers.map((number) => endpoint.run({ input: { ...input, number } }, CALL_MS)));
  const isWarm = async () => (await endpoint.health(CALL_MS)).workers.idle === PROGRAMS;
  await until(`${PROGRAMS} idle programs`, isWarm, { limitMs: WARM_LIMIT_MS });
}

async function measure(load: Load, jobs: number): Promise<Omit<ApiLoad, "program">> {
  const endpoint = endpointOf(load);
  const startedAt = performance.now();
  const numbers = Array.from({ length: jobs }, (_, number) => number);
  const ids = await inLines(numbers, async (number) => {
    const input = { ms: JOB_MS, began: load.began, number };
    // A refusal is an answer without an id, whatever its types say.
    const { id } = (await endpoint.run({ input }, CALL_MS)) as { readonly id?: string };
    if (id === undefined) throw new Error(`job ${number} was not accepted`);
    return id;
  });
  let lastEnd = performance.now();
  const ends = await inLines(ids, async (id) => {
    let status = await endOf(endpoint, id);
    while (!status.completed && performance.now() < lastEnd + STILL_MS) status = await endOf(endpoint, id);
    if (status.completed === true) lastEnd = performance.now();
    return status;
  });
  const elapsedMs = performance.now() - startedAt;
  const isOwn = (number: number) =>
    ends[number]?.status === "COMPLETED" && ends[number]?.output?.number === number;
  return {
    completed: numbers.filter(isOwn).length,
    stuck: ends.filter(({ completed }) => !completed).length,
    doubled: await countDoubled(load.began),
    msPerJob: Math.round((elapsedMs / jobs) * 10) / 10,
    jobs,
  };
}

type Status = {
  readonly status: string;
  readonly completed?: boolean;
  readonly output?: { number?: number };
};

/** What the SDK answers has more than its types say. */
async function endOf(endpoint: ReturnType<typeof endpointOf>, id: string): Promise<Status> {
  return await endpoint.statusSync(id, CALL_MS);
}

async function countDoubled(file: string): Promise<number> {
  const lines = (await readFile(file, "utf8")).trim().split("\n");
  const seen = new Map<string, number>();
  for (const id of lines) seen.set(id, (seen.get(id) ?? 0) + 1);
  return [...seen.values()].filter((times) => times > 1).length;
}

/** In the order of `items`, AT_ONCE of them under way. */
async function inLines<In, Out>(items: readonly In[], act: (item: In) => Promise<Out>): Promise<Out[]> {
  const results: Out[] = [];
  let next = 0;
  const line = async (): Promise<void> => {
    for (let at = next++; at < items.length; at = next++) results[at] = await act(items[at] as In);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, line));
  return results;
}
