// Says what happened to the owner's webhook and to the listeners of the stand-in.
import type { Deliveries, Delivery } from "./deliveries.ts";
import { viewJob, type WorkflowJob } from "./endpoints/job-view.ts";
import { iso } from "./endpoints/views.ts";
import {
  type InstallationAction,
  installationPayload,
  type WorkflowJobAction,
  workflowJobPayload,
} from "./payloads.ts";
import type { Installation, JobRecord, RunnerRecord } from "./records.ts";

export type Change =
  | { readonly type: "workflow-job"; readonly at: number; readonly job: WorkflowJob }
  | {
      readonly type: "runner";
      readonly at: number;
      readonly change: "registered" | "online" | "offline" | "removed";
      readonly name: string;
      readonly labels: readonly string[];
    }
  | { readonly type: "delivery"; readonly at: number; readonly delivery: Delivery }
  | { readonly type: "line"; readonly at: number; readonly jobId: number; readonly line: string };

export type Announce = {
  job(job: JobRecord, action: WorkflowJobAction): void;
  /** `queued` with status waiting and the deployment that must be approved. */
  gatedJob(job: JobRecord): void;
  installation(installation: Installation, action: InstallationAction): void;
  /** A change of the job that GitHub sends nothing for. */
  changed(job: JobRecord): void;
  runner(runner: RunnerRecord, change: "registered" | "online" | "offline" | "removed"): void;
  delivery(delivery: Delivery): void;
  line(jobId: number, line: string): void;
  /** @returns a function that ends the listening. */
  listen(listener: (change: Change) => void): () => void;
};

export function createAnnounce(deps: {
  readonly deliveries: Pick<Deliveries, "emit">;
  readonly webUrl: () => string;
  readonly now: () => number;
}): Announce {
  const listeners = new Set<(change: Change) => void>();

  function tell(change: Change): void {
    for (const listener of listeners) listener(change);
  }

  /** A suspended installation gets no deliveries, a repository without one neither. */
  function deliver(job: JobRecord, action: WorkflowJobAction, gate: boolean): void {
    const { installation } = job.run.repository.owner;
    if (installation === undefined || installation.suspendedAt !== undefined) return;
    const payload = workflowJobPayload(job, installation, { action, gate, webUrl: deps.webUrl() });
    deps.deliveries.emit("workflow_job", payload);
  }

  function changed(job: JobRecord): void {
    if (listeners.size > 0) tell({ type: "workflow-job", at: deps.now(), job: viewJob(job) });
  }

  return {
    job(job, action) {
      deliver(job, action, false);
      changed(job);
    },
    gatedJob(job) {
      deliver(job, "queued", true);
      changed(job);
    },
    installation(installation, action) {
      const at = iso(deps.now());
      deps.deliveries.emit(
        "installation",
        installationPayload(installation, { action, webUrl: deps.webUrl(), at }),
      );
    },
    changed,
    runner: (runner, change) =>
      tell({
        type: "runner",
        at: deps.now(),
        change,
        name: runner.name,
        labels: runner.labels.map((label) => label.name),
      }),
    delivery: (delivery) => tell({ type: "delivery", at: deps.now(), delivery }),
    line: (jobId, line) => tell({ type: "line", at: deps.now(), jobId, line }),
    listen(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
