// What every end-to-end test does: start, queue, wait for the end, and see that nothing is left.
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { ServeOptions, ServeProcess } from "../serve-process.ts";
import { createServe, ORG } from "../serve-process.ts";
import { until } from "../until.ts";

export type Session = {
  readonly serve: ServeProcess;
  /** Queues a workflow job of `linux-arm64-npu-1`; its id. */
  queue(run: string[], labels?: string[]): number;
  ended(id: number): Promise<void>;
  running(id: number): Promise<void>;
  /** No runner registration at GitHub, no worker and no folder of one on this machine. */
  nothingLeft(): Promise<void>;
};

/** Before its first worker a pool has no folder. */
function absent(error: NodeJS.ErrnoException): string[] {
  if (error.code === "ENOENT") return [];
  throw error;
}

export async function startSession(options: ServeOptions = {}): Promise<Session> {
  const serve = await createServe(options);
  await serve.start();
  const { github } = serve;
  const detail = () => serve.output();
  const status = (id: number) => github.workflowJob(id).status;
  return {
    serve,
    queue: (run, labels = ["linux-arm64-npu-1"]) =>
      github.queueWorkflowJob({ owner: ORG, repo: "repo", labels, run }).id,
    ended: async (id) =>
      void (await until(`workflow job ${id} to end`, () => status(id) === "completed", { detail })),
    running: async (id) =>
      void (await until(`workflow job ${id} to run`, () => status(id) === "in_progress", { detail })),
    async nothingLeft() {
      await until("runner registrations to go", () => github.runners(ORG).length === 0, { detail });
      const folder = join(serve.dataDir, "pools", "local", "workers");
      const empty = async () => (await readdir(folder).catch(absent)).length === 0;
      await until("worker folders to go", empty, { detail });
    },
  };
}
