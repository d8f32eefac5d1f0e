// Parses a verified delivery into our words. Part of the webhook function: zod/mini only, for its cold start.
import * as z from "zod/mini";
import type { InstallationEvent, WorkflowJobStatus, WorkflowJobWord } from "../../domain/github-event.ts";
import { githubId, time, toWord, workflowJobJson } from "./workflow-job.ts";

export type Delivery =
  | { readonly type: "workflow_job"; readonly word: WorkflowJobWord }
  | { readonly type: "installation"; readonly event: InstallationEvent }
  | { readonly type: "ping" }
  | { readonly type: "ignored"; readonly event: string; readonly action?: string }
  /** `reason` names the field, never its value. */
  | { readonly type: "invalid"; readonly reason: string };

/** `event` is the `X-GitHub-Event` header, `body` the verified text. Never throws. */
export function parseDelivery(event: string, body: string): Delivery {
  const json = parseJson(body);
  if (json === undefined) return { type: "invalid", reason: "the body is not JSON" };
  const head = z.safeParse(headJson, json);
  if (!head.success) return invalid(head.error);
  if (event === "ping") return { type: "ping" };
  const { action } = head.data;
  const known = PARSERS[event];
  if (known && action !== undefined && known.actions.has(action)) return known.parse(json, action);
  return { type: "ignored", event, ...(action !== undefined && { action }) };
}

/** Some of its actions are ours, or it comes without a subscription. */
export function isKnownEvent(event: string): boolean {
  return PARSERS[event] !== undefined || ALWAYS_SENT.has(event);
}

/** https://docs.github.com/webhooks/webhook-events-and-payloads: "All GitHub Apps receive this event by default". */
const ALWAYS_SENT: ReadonlySet<string> = new Set(["github_app_authorization"]);

const headJson = z.object({ action: z.optional(z.string()) });

const accountJson = z.object({ id: githubId, login: z.string(), type: z.enum(["Organization", "User"]) });

const workflowJobDelivery = z.object({
  workflow_job: workflowJobJson,
  repository: z.object({ id: githubId, name: z.string(), owner: accountJson }),
  installation: z.nullish(z.object({ id: githubId })),
});

/** `created` and `deleted` give it in seconds, the other events as a text (see @octokit/webhooks-examples). */
const textOrSeconds = z.union([
  time,
  z.pipe(
    z.int(),
    z.transform((seconds) => seconds * 1_000),
  ),
]);

const installationDelivery = z.object({
  installation: z.object({ id: githubId, account: accountJson, updated_at: z.nullish(textOrSeconds) }),
});

type Parser = {
  readonly actions: ReadonlySet<string>;
  readonly parse: (json: unknown, action: string) => Delivery;
};

const INSTALLATION_ACTIONS: ReadonlyMap<string, InstallationEvent["action"]> = new Map([
  ["created", "created"],
  ["deleted", "deleted"],
  ["suspend", "suspend"],
  ["unsuspend", "unsuspend"],
  ["new_permissions_accepted", "changed"],
  // installation_repositories
  ["added", "changed"],
  ["removed", "changed"],
]);

// No prototype: the event name comes from outside, and "constructor" is not an event.
const PARSERS: { readonly [event: string]: Parser | undefined } = Object.assign(Object.create(null), {
  workflow_job: {
    actions: new Set(["waiting", "queued", "in_progress", "completed"]),
    parse: parseWorkflowJob,
  },
  installation: {
    actions: new Set(["created", "deleted", "suspend", "unsuspend", "new_permissions_accepted"]),
    parse: parseInstallation,
  },
  installation_repositories: { actions: new Set(["added", "removed"]), parse: parseInstallation },
});

function parseWorkflowJob(json: unknown, action: string): Delivery {
  const parsed = z.safeParse(workflowJobDelivery, json);
  if (!parsed.success) return invalid(parsed.error);
  const { workflow_job: job, repository, installation } = parsed.data;
  const word = toWord(job, {
    status: statusOf(action as WorkflowJobStatus, job.status),
    repository,
    installationId: installation?.id,
  });
  if (word === undefined) return { type: "invalid", reason: "workflow_job.created_at is missing" };
  return { type: "workflow_job", word };
}

/**
 * The action tells the rank. But for an environment gate GitHub sends `queued` with a job whose status is `waiting`,
 * and `queued` again once approved: only the second is a demand for a worker.
 */
function statusOf(action: WorkflowJobStatus, status: string): WorkflowJobStatus {
  const gated = status === "waiting" || status === "requested" || status === "pending";
  return action === "queued" && gated ? "waiting" : action;
}

function parseInstallation(json: unknown, action: string): Delivery {
  const parsed = z.safeParse(installationDelivery, json);
  if (!parsed.success) return invalid(parsed.error);
  const { id, account, updated_at: updatedAt } = parsed.data.installation;
  const ours = INSTALLATION_ACTIONS.get(action) ?? "changed";
  const event = { action: ours, installationId: id, account, updatedAt: updatedAt ?? undefined };
  return { type: "installation", event };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (_notJson) {
    return undefined;
  }
}

function invalid(error: z.core.$ZodError): Delivery {
  const issue = error.issues[0];
  const field = (issue?.path ?? []).map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`));
  const name = field.join("").replace(/^\./, "") || "the body";
  return { type: "invalid", reason: `${name} ${issue ? problem(issue) : "is not as expected"}` };
}

function problem(issue: z.core.$ZodIssue): string {
  if (issue.code === "custom") return issue.message;
  if (issue.code === "invalid_type") return `is missing or not of type ${issue.expected}`;
  if (issue.code === "invalid_value") return `is not one of ${issue.values.map(String).join(", ")}`;
  return "is not as expected";
}
