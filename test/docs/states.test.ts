// The diagrams of docs/states.md show exactly the edges that the code has.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { advanceByWord, jobFromWord } from "../../shared/domain/job/job-events.ts";
import type { Worker, WorkerState } from "../../shared/domain/worker/worker.ts";
import {
  finished,
  lost,
  released,
  reported,
  started,
  taken,
} from "../../shared/domain/worker/worker-steps.ts";
import { anEndpoint, aReport, aWord, aWorker, LIMITS, T0 } from "../domain/builders.ts";
import { endRows, waitTable } from "./states-tables.ts";

const text = readFileSync(join(import.meta.dirname, "../../docs/states.md"), "utf8");

test("worker", () => {
  const states: WorkerState[] = [
    "reserving",
    "starting",
    "booted",
    "listening",
    "running",
    "finished",
    "lost",
  ];
  const step = { now: T0, limits: LIMITS };
  const take = (worker: Worker) => {
    const outcome = taken(worker, "boot", step);
    return outcome.type === "taken" ? outcome.worker : undefined;
  };
  const moves: [string, (worker: Worker) => Worker | undefined][] = [
    ["started", (worker) => started(worker, step)],
    ["take", take],
    ["listening", (worker) => reported(worker, { phase: "listening", jobName: undefined }, step)],
    ["running", (worker) => reported(worker, { phase: "running", jobName: "build" }, step)],
    ["done", (worker) => finished(worker, aReport(), step)],
    ["gone", (worker) => lost(worker, step)],
    ["released", (worker) => (["finished", "lost"].includes(worker.state) ? released(worker) : undefined)],
  ];
  const edges = states.flatMap((state) =>
    moves.flatMap(([name, move]) => {
      const next = move(bootedAs(state));
      return next === undefined || next.state === state ? [] : [`${state} --> ${next.state}: ${name}`];
    }),
  );
  expect(new Set(edgesOf("Worker"))).toEqual(new Set([...edges, "[*] --> reserving", "released --> [*]"]));
});

/** A runner that printed `Listening` or `Running job` belongs to a worker that has taken its job. */
function bootedAs(state: WorkerState): Worker {
  const before = state === "reserving" || state === "starting";
  return aWorker({ state, bootId: before ? undefined : "boot" });
}

test("job", () => {
  const words = [
    ["queued, waiting", aWord({ status: "queued" })],
    ["in_progress", aWord({ status: "in_progress" })],
    ...(["success", "failure", "cancelled", "timed_out"] as const).map(
      (conclusion) => [conclusion, aWord({ status: "completed", conclusion })] as const,
    ),
  ] as const;
  const first = words.map(([name, word]) => [name, jobFromWord(word, anEndpoint(), T0)] as const);
  const edges = new Set(first.map(([name, job]) => `[*] --> ${job.state}: ${name}`));
  for (const [, job] of first) {
    for (const [name, word] of words) {
      const next = advanceByWord(job, word, T0 + 1);
      if (next.state !== job.state) edges.add(`${job.state} --> ${next.state}: ${name}`);
    }
  }
  expect(new Set(edgesOf("Job"))).toEqual(edges);
});

test("why a job waits: each code, with the words of the program", () => {
  expect(tableOf("Why a job waits")).toBe(waitTable());
});

test("why a job ended: each reason with its class, and what it means", () => {
  const rows = tableOf("Why a job ended").split("\n").slice(2);
  expect(rows.map((row) => row.split("|").slice(0, 3).join("|").concat("|"))).toEqual(endRows());
  for (const row of rows) expect(row.split("|")[3]?.trim()).toMatch(/.{10,}/);
});

function tableOf(heading: string): string {
  const section = text.split(`## ${heading}\n`)[1]?.split("\n## ")[0] ?? "";
  return section.match(/^\|.*\|$/gm)?.join("\n") ?? "";
}

function edgesOf(heading: string): string[] {
  const section = text.split(`## ${heading}`)[1]?.split("## ")[0] ?? "";
  return section.match(/^ +\S+ --> .+$/gm)?.map((line) => line.trim()) ?? [];
}
