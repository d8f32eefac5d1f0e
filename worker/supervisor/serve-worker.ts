// The supervisor's side of the pipe: starts, signals and cleans up for the worker, under the runner's user and nobody else.
import { join } from "node:path";
import { clearFolder } from "../../shared/adapters/system/clear-folder.ts";
import { emptyFolder, giveFolder } from "../../shared/adapters/system/empty-folder.ts";
import type { WorkerClock } from "../clock.ts";
import type { RunProgram } from "../process/run-program.ts";
import { type ProcessEnd, type RunnerProcess, startProcess } from "../runner/runner-process.ts";
import { asUser, type RunnerUser } from "../runner/runner-user.ts";
import { killUser } from "./kill-user.ts";
import type { Reply, Request } from "./protocol.ts";

export type ServeDeps = {
  readonly runner: RunnerUser;
  /** The folder of actions/runner; the job's work folder is `_work` in it. */
  readonly runnerHome: string;
  /** The folder of registry logins that a job writes. */
  readonly logins: string;
  /** For short programs of the supervisor's own. */
  readonly run: RunProgram;
  readonly clock: WorkerClock;
  readonly reply: (reply: Reply) => void;
  /** When the worker has taken what it was told; undefined: it has. */
  readonly whenTaken: () => Promise<void> | undefined;
};

export type Service = {
  /** Rejects on a fault of the supervisor. */
  serve(request: Request): Promise<void>;
  /** The worker is gone: nothing of the runner's user is left, the work folder is empty. */
  close(): Promise<void>;
};

/** Beyond it the rest goes with the container: what waits for the worker's end waits for this. */
const CLEAN_MS = 20_000;

export function createService({
  runner,
  runnerHome,
  logins,
  run,
  clock,
  reply,
  whenTaken,
}: ServeDeps): Service {
  const started = new Map<number, RunnerProcess>();
  const running = new Set<number>();
  let dirty = false;

  return {
    async serve(request) {
      if (request.type === "start") await start(request);
      else if (request.type === "signal") signal(request);
      else reply({ type: "cleaned", ...(await clean()) });
    },
    async close() {
      if (dirty) await clean();
    },
  };

  async function start({ id, program, args, cwd, env }: Extract<Request, { type: "start" }>): Promise<void> {
    if (started.has(id)) throw new Error(`The worker gave the number ${id} twice.`);
    dirty = true;
    running.add(id);
    const command = asUser({ program, args }, runner);
    const onLine = (line: string) => reply({ type: "line", id, line });
    const process = startProcess({ command, cwd, env, onLine, whenTaken, clock }, () => sweep(id));
    started.set(id, process);
    const end = await process.ended;
    running.delete(id);
    started.delete(id);
    reply({ type: "ended", id, end: toWire(end) });
  }

  function signal({ id, signal }: Extract<Request, { type: "signal" }>): void {
    const process = started.get(id);
    if (signal === "SIGINT") {
      process?.interrupt();
      return;
    }
    // One that hangs in the driver may never end: it must not keep the next ones from being swept.
    running.delete(id);
    void process?.kill();
  }

  /** The user has nothing but what was started here. While another program runs, what this one left is not told from it. */
  async function sweep(id: number): Promise<{ found: number; left: number }> {
    running.delete(id);
    return running.size > 0 ? { found: 0, left: 0 } : await killUser(runner, run, clock);
  }

  async function clean(): Promise<{ killed: number; undead: number; left: number }> {
    const { found, left: undead } = await killUser(runner, run, clock);
    const left = await emptyFolders({ work: join(runnerHome, "_work"), logins, runner }, run);
    dirty = false;
    return { killed: found, undead, left };
  }
}

type Folders = Pick<ServeDeps, "logins" | "runner"> & { readonly work: string };

/** Answers how much of the work folder would not go. */
async function emptyFolders({ work, logins, runner }: Folders, run: RunProgram): Promise<number> {
  const left = await clearFolder(work, runner, AbortSignal.timeout(CLEAN_MS));
  await emptyFolder(logins, AbortSignal.timeout(CLEAN_MS));
  // The folder's own name is its owner's to remove; and of what is no folder at all, a link, only the link.
  const { program, args } = asUser({ program: "rm", args: ["-rf", "--", work] }, runner);
  await run(program, args, CLEAN_MS);
  // Where it is mounted it stays, as does that of the logins: the next job's.
  await giveFolder(work, runner, 0o755);
  await giveFolder(logins, runner, 0o700);
  return left;
}

function toWire(end: ProcessEnd): Extract<Reply, { type: "ended" }>["end"] {
  if (end.type === "not-started") return { type: "not-started", message: end.error.message };
  const { code, signal, ...rest } = end;
  return { ...rest, ...(code !== undefined && { code }), ...(signal !== undefined && { signal }) };
}
