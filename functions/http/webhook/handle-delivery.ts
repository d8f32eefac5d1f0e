// GitHub's deliveries, whatever brings them: verify, parse, receive, answer. No business rule lives here, and no framework:
// the webhook function would load it at every cold start.
import type { Delivery } from "../../../shared/adapters/github/delivery.ts";
import { isKnownEvent, parseDelivery } from "../../../shared/adapters/github/delivery.ts";
import type { InstallationEvent, WorkflowJobWord } from "../../../shared/domain/github-event.ts";
import type { JsonLimits } from "../../../shared/domain/scan-json.ts";
import { scanJson } from "../../../shared/domain/scan-json.ts";
import type { Log } from "../../../shared/ports/log.ts";
import type { Received } from "../../../shared/usecases/intake/receive-delivery.ts";
import { problemBody } from "../problem.ts";
import type { SignatureCheck } from "./signature.ts";

export type DeliveryDeps = {
  readonly checkSignature: (body: string, header: string | undefined) => Promise<SignatureCheck>;
  readonly receiveDelivery: (word: WorkflowJobWord) => Promise<Received>;
  readonly receiveInstallation: (event: InstallationEvent) => Promise<unknown>;
  /** What a delivery may hold, of keys and the like. */
  readonly json: JsonLimits;
  readonly log: Log;
  /** For rejected requests: at most one line a minute per reason, so that a flood cannot fill the log. */
  readonly rejectionLog: Log;
};

export type DeliveryRequest = {
  /** Asked with names in lower case. */
  readonly header: (name: string) => string | undefined;
  /** As GitHub sent it: the signature is over these bytes. */
  readonly body: string;
};

/** `body` is to be sent as JSON. */
export type DeliveryAnswer = {
  readonly status: 200 | 202 | 400 | 401 | 408 | 413 | 503;
  readonly body: object;
};

/** Never rejects: what fails is logged and answered 503, so that GitHub shows the delivery as failed. */
export async function handleDelivery(
  deps: DeliveryDeps,
  { header, body }: DeliveryRequest,
): Promise<DeliveryAnswer> {
  try {
    const signature = await deps.checkSignature(body, header("x-hub-signature-256"));
    if (signature !== "valid") return reject(deps, 401, UNSIGNED[signature]);
    const excess = excessOf(body, deps.json);
    if (excess !== undefined) return reject(deps, 413, { reason: "too-much", detail: excess });
    if (isForm(header("content-type"), body)) return reject(deps, 400, FORM);
    return await act(deps, header("x-github-delivery"), parseDelivery(header("x-github-event") ?? "", body));
  } catch (error) {
    return notRecorded(deps, header("x-github-delivery"), error);
  }
}

/** For a body of more than `maxBytes`, which is not read to its end. */
export function tooLarge(deps: Pick<DeliveryDeps, "rejectionLog">, maxBytes: number): DeliveryAnswer {
  const detail = `a delivery is at most ${maxBytes} bytes; this one is larger`;
  return reject(deps, 413, { reason: "too-large", detail });
}

/** For a body that did not come to its end in time: from whom is not known. */
export function brokenOff(deps: Pick<DeliveryDeps, "rejectionLog">): DeliveryAnswer {
  const detail = "the body did not come to its end; send it again";
  return reject(deps, 408, { reason: "broken-off", detail });
}

/** `delivery`: GitHub's id of it. */
export function notRecorded(
  deps: Pick<DeliveryDeps, "log">,
  delivery: string | undefined,
  error: unknown,
): DeliveryAnswer {
  deps.log.error("delivery-failed", { delivery, error });
  const detail = "the delivery could not be recorded; redeliver it, or wait: recovery does so";
  return { status: 503, body: problemBody({ status: 503, title: "Not recorded", detail }) };
}

/** GitHub signs it, tenants fill it. */
function excessOf(body: string, limits: JsonLimits): string | undefined {
  const found = scanJson(new TextEncoder().encode(body), limits);
  return found.type === "too-much"
    ? `a delivery has at most ${found.limit} ${found.of}; this one has more`
    : undefined;
}

type Refusal = { readonly reason: string; readonly detail: string };

const UNSIGNED: { readonly [check in Exclude<SignatureCheck, "valid">]: Refusal } = {
  missing: { reason: "unsigned", detail: "no X-Hub-Signature-256: set the App's webhook secret" },
  wrong: {
    reason: "wrong-signature",
    detail: "the signature does not fit: GITHUB_WEBHOOK_SECRET is not the App's webhook secret",
  },
};

const FORM: Refusal = {
  reason: "form-encoded",
  detail: "the body is a form: set the webhook's Content type to application/json in its settings at GitHub",
};

/** GitHub's other content type, a choice of the webhook: `payload=` and the JSON in percent signs. */
function isForm(contentType: string | undefined, body: string): boolean {
  return contentType?.startsWith("application/x-www-form-urlencoded") === true || body.startsWith("payload=");
}

/** An action of an event that we need may be new at GitHub: nobody should give up the event for it. */
function notUsed(event: string, action: string | undefined): string {
  return isKnownEvent(event)
    ? `${event}${action === undefined ? "" : `.${action}`} is not used; nothing is to be done`
    : `${event} is not used; unsubscribe the App from it`;
}

async function act(
  deps: DeliveryDeps,
  delivery: string | undefined,
  parsed: Delivery,
): Promise<DeliveryAnswer> {
  switch (parsed.type) {
    case "workflow_job":
      return receive(deps, delivery, parsed.word);
    case "installation":
      await deps.receiveInstallation(parsed.event);
      return { status: 202, body: { recorded: true } };
    case "ping":
      return { status: 200, body: { recorded: false, reason: "pong" } };
    case "ignored": {
      const reason = notUsed(parsed.event, parsed.action);
      return { status: 202, body: { recorded: false, reason } };
    }
    case "invalid":
      return reject(deps, 400, { reason: "invalid", detail: parsed.reason });
  }
}

async function receive(
  deps: DeliveryDeps,
  delivery: string | undefined,
  word: WorkflowJobWord,
): Promise<DeliveryAnswer> {
  const received = await deps.receiveDelivery(word);
  if (received.type === "unchanged") {
    return { status: 202, body: { recorded: false, reason: received.reason } };
  }
  const { id: job, endpoint, state } = received.job;
  const githubEvent = `workflow_job.${word.status}`;
  deps.log.info("delivery-recorded", { delivery, job, endpoint, state, githubEvent });
  return { status: 202, body: { recorded: true, job, state } };
}

function reject(
  deps: Pick<DeliveryDeps, "rejectionLog">,
  status: 400 | 401 | 408 | 413,
  { reason, detail }: Refusal,
): DeliveryAnswer {
  deps.rejectionLog.warn("delivery-rejected", { status, reason, message: detail });
  return { status, body: problemBody({ status, title: "Delivery rejected", detail }) };
}
