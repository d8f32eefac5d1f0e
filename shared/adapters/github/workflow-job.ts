// GitHub's JSON of a workflow job, the fields we read, and its translation into our word on it.
import * as z from "zod/mini";
import type { Owner, WorkflowJobStatus, WorkflowJobWord } from "../../domain/github-event.ts";

/** Job ids passed 10^11 in 2026: safe integers, not int32. */
export const githubId = z.int().check(z.positive());

/** Epoch milliseconds of an ISO 8601 text. */
export const time = z.pipe(
  z.string(),
  z.transform((text, context) => {
    const at = Date.parse(text);
    if (!Number.isNaN(at)) return at;
    context.issues.push({ code: "custom", message: "is not an ISO 8601 time", input: text });
    return z.NEVER;
  }),
);

/**
 * In deliveries and in `GET …/actions/jobs/{id}`. Loose where GitHub is: old deliveries lack `created_at`,
 * `run_attempt` and the names (see @octokit/webhooks-examples), and `conclusion` has more values than its schema.
 */
export const workflowJobJson = z.object({
  id: githubId,
  run_id: githubId,
  run_attempt: z.nullish(z.int()),
  name: z.string(),
  workflow_name: z.nullish(z.string()),
  head_branch: z.nullish(z.string()),
  html_url: z.string(),
  labels: z.array(z.string()),
  status: z.string(),
  conclusion: z.nullish(z.string()),
  runner_id: z.nullish(z.union([z.number(), z.literal("")])),
  runner_name: z.nullish(z.string()),
  created_at: z.nullish(time),
  started_at: z.nullish(time),
});
type WorkflowJobJson = z.infer<typeof workflowJobJson>;

export type WorkflowJobContext = {
  readonly status: WorkflowJobStatus;
  readonly repository: { readonly id: number; readonly owner: Owner; readonly name: string };
  readonly installationId: number | undefined;
};

/** Undefined when the job carries no time at all. */
export function toWord(job: WorkflowJobJson, context: WorkflowJobContext): WorkflowJobWord | undefined {
  const createdAt = job.created_at ?? job.started_at;
  if (createdAt == null) return undefined;
  return {
    workflowJobId: job.id,
    runId: job.run_id,
    runAttempt: job.run_attempt ?? 1,
    name: job.name,
    workflowName: job.workflow_name ?? "",
    headBranch: job.head_branch ?? "",
    htmlUrl: job.html_url,
    labels: job.labels,
    repository: context.repository,
    installationId: context.installationId,
    status: context.status,
    conclusion: job.conclusion ?? undefined,
    runner: runnerOf(job, context.status),
    createdAt,
    startedAt: job.started_at ?? undefined,
  };
}

/** A job not yet started has no runner, whatever a redacted or replayed delivery says. */
function runnerOf(job: WorkflowJobJson, status: WorkflowJobStatus): WorkflowJobWord["runner"] {
  if (status === "waiting" || status === "queued") return undefined;
  if (!job.runner_id || job.runner_id < 0) return undefined;
  return { id: job.runner_id, name: job.runner_name ?? "" };
}

/** REST knows more waiting states than the four deliveries; one we do not know yet is not a demand for a worker. */
export function statusFromApi(status: string): WorkflowJobStatus {
  if (status === "queued" || status === "in_progress" || status === "completed") return status;
  return "waiting";
}
