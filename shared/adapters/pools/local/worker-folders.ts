// The folders of a local pool's workers: `<dir>/workers/<id>/` with worker.json, exit.json, log and work/. A runner under
// a user who may not enter them has one of its own, `<runnersDir>/<id>/`, which is made after that of its worker and goes
// before it.
import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { chmod, type FileHandle, mkdir, open, readdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { parseWorkerId, type WorkerId } from "../../../domain/ids.ts";
import { removeFolder } from "../../system/empty-folder.ts";
import { exists, hasCode, readResult, readTail, readText, unless } from "./read-file.ts";
import { isRunning } from "./read-processes.ts";
import { parseExitRecord, parseWorkerRecord, type WorkerRecord } from "./worker-record.ts";

export type WorkerFolders = {
  /** What workers of all times share; made by the first of them. On the file system of their runners' folders. */
  readonly keptDir: string;
  /** The worker's WORKER_DIR and working directory. */
  workDir(workerId: WorkerId): string;
  /** Made now; undefined where the runner's is in the worker's. */
  makeRunnerDir(workerId: WorkerId): Promise<string | undefined>;
  /**
   * Makes the folder, whole or not at all. Returns its log, opened for appending, or undefined when another start has
   * the worker.
   */
  claim(workerId: WorkerId, record: WorkerRecord): Promise<FileHandle | undefined>;
  exists(workerId: WorkerId): Promise<boolean>;
  /** Undefined when there is none, or none that can be read. */
  record(workerId: WorkerId): Promise<WorkerRecord | undefined>;
  writeRecord(workerId: WorkerId, record: WorkerRecord): Promise<void>;
  noteExit(workerId: WorkerId, code: number, at: number): void;
  exitCode(workerId: WorkerId): Promise<number | undefined>;
  /** What the worker left as result.json in its WORKER_DIR. */
  result(workerId: WorkerId): Promise<string | undefined>;
  logTail(workerId: WorkerId, lines: number): Promise<string[]>;
  list(): Promise<WorkerId[]>;
  /**
   * Takes the folder away at once; its content follows in the background, for a checkout with its dependencies takes
   * seconds. `emptied` fails where a job left files of another user.
   */
  remove(workerId: WorkerId): Promise<{ readonly emptied: Promise<void> }>;
  /** Removes what crashes left half made or half removed. */
  sweep(): Promise<void>;
};

const DRAFT = /^\.new-(\d+)-(\d+)-/;
const REST = /^\.gone-/;

export function workerFolders(dir: string, runnersDir?: string): WorkerFolders {
  const root = join(dir, "workers");
  const path = (workerId: WorkerId, ...names: string[]) => join(root, workerId, ...names);
  const placesOf = (workerId: WorkerId) => [
    ...(runnersDir === undefined ? [] : [[runnersDir, join(runnersDir, workerId)] as const]),
    [root, path(workerId)] as const,
  ];

  return {
    keptDir: join(runnersDir ?? dir, "kept"),
    workDir: (workerId) => path(workerId, "work"),
    async makeRunnerDir(workerId) {
      if (runnersDir === undefined) return undefined;
      const made = join(runnersDir, workerId);
      await mkdir(made, { recursive: true, mode: 0o755 });
      // Whatever the umask: its user must be able to list all of them.
      for (const folder of [dirname(runnersDir), runnersDir, made]) await chmod(folder, 0o755);
      return made;
    },
    claim: (workerId, record) => claim(root, path(workerId), record),
    exists: (workerId) => exists(path(workerId)),
    record: async (workerId) => parseWorkerRecord(await readText(path(workerId, "worker.json"))),
    async writeRecord(workerId, record) {
      const draft = path(workerId, `worker.json.${randomUUID()}`);
      await writeFile(draft, JSON.stringify(record), { mode: 0o600 });
      await rename(draft, path(workerId, "worker.json"));
    },
    noteExit: (workerId, code, at) => noteExit(path(workerId, "exit.json"), JSON.stringify({ code, at })),
    exitCode: async (workerId) => parseExitRecord(await readText(path(workerId, "exit.json")))?.code,
    result: (workerId) => readResult(path(workerId, "work", "result.json")),
    logTail: (workerId, lines) => readTail(path(workerId, "log"), lines),
    list: async () => (await namesIn(root)).map(parseWorkerId).filter((workerId) => workerId !== undefined),
    async remove(workerId) {
      const rests: string[] = [];
      for (const [folder, from] of placesOf(workerId)) {
        const rest = join(folder, `.gone-${randomUUID()}`);
        rests.push(rest);
        // Missing: another stop has just removed it.
        await unless(["ENOENT"], () => rename(from, rest));
      }
      const emptied = Promise.all(rests.map((rest) => removeFolder(rest)));
      return { emptied: emptied.then(() => undefined) };
    },
    async sweep() {
      await sweep(root);
      if (runnersDir !== undefined) await sweep(runnersDir);
    },
  };
}

/** Filled under another name and then renamed: that fails when there is a folder with content, so one claim wins. */
async function claim(root: string, folder: string, record: WorkerRecord): Promise<FileHandle | undefined> {
  const { pid, startTicks } = record.starter;
  const draft = join(root, `.new-${pid}-${startTicks}-${randomUUID()}`);
  let log: FileHandle | undefined;
  try {
    await mkdir(join(draft, "work"), { recursive: true, mode: 0o700 });
    await writeFile(join(draft, "worker.json"), JSON.stringify(record), { mode: 0o600 });
    log = await open(join(draft, "log"), "a", 0o600);
    await rename(draft, folder);
    return log;
  } catch (error) {
    await log?.close();
    await unless(["ENOTDIR"], () => rm(draft, { recursive: true, force: true }));
    if (hasCode(error, "ENOTEMPTY", "EEXIST")) return undefined;
    throw error;
  }
}

/** Synchronous, so that no `inspect` falls between the end of the process and the note of its code. */
function noteExit(path: string, text: string): void {
  try {
    writeFileSync(path, text, { mode: 0o600 });
  } catch (error) {
    if (!hasCode(error, "ENOENT")) throw error; // stopped and removed meanwhile
  }
}

async function sweep(root: string): Promise<void> {
  for (const name of await namesIn(root)) {
    const [, pid, startTicks] = DRAFT.exec(name) ?? [];
    const abandoned = pid !== undefined && !isRunning({ pid: Number(pid), startTicks: Number(startTicks) });
    if (abandoned || REST.test(name)) await removeFolder(join(root, name));
  }
}

async function namesIn(root: string): Promise<string[]> {
  return (await unless(["ENOENT"], () => readdir(root))) ?? [];
}
