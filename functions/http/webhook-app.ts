// GitHub's deliveries over HTTP: verify, parse, receive, answer. No business rule lives here.
import type { Context } from "hono";
import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { Delivery } from "../../shared/adapters/github/delivery.ts";
import { parseDelivery } from "../../shared/adapters/github/delivery.ts";
import type { InstallationEvent, WorkflowJobWord } from "../../shared/domain/github-event.ts";
import type { Log } from "../../shared/ports/log.ts";
import type { Received } from "../../shared/usecases/receive-delivery.ts";
import { problem } from "./problem.ts";
import type { SignatureCheck } from "./signature.ts";

export type WebhookDeps = {
  readonly checkSignature: (body: string, header: string | undefined) => Promise<SignatureCheck>;
  readonly receiveDelivery: (word: WorkflowJobWord) => Promise<Received>;
  readonly receiveInstallation: (event: InstallationEvent) => Promise<unknown>;
  readonly log: Log;
  /** For rejected requests: at most one line a minute per reason, so that a flood cannot fill the log. */
  readonly rejectionLog: Log;
  readonly maxBytes?: number;
};

/** Where GitHub delivers to. */
export const WEBHOOK_PATH = "/webhooks/github";
/** Real deliveries are 7 to 25 kB; GitHub's own cap is 25 MB. */
export const MAX_DELIVERY_BYTES = 1_000_000;

export function createWebhookApp(deps: WebhookDeps): Hono {
  const app = new Hono();
  const { maxBytes = MAX_DELIVERY_BYTES } = deps;
  app.post(
    WEBHOOK_PATH,
    bodyLimit({
      maxSize: maxBytes,
      onError: (c) =>
        reject(deps, c, 413, "too-large", `a delivery is at most ${maxBytes} bytes; this one is larger`),
    }),
    (c) => receive(deps, c),
  );
  app.onError((error, c) => {
    deps.log.error("delivery-failed", { delivery: c.req.header("x-github-delivery"), error });
    return problem(c, {
      status: 503,
      title: "Not recorded",
      detail: "the delivery could not be recorded; redeliver it, or wait: recovery does so",
    });
  });
  return app;
}

async function receive(deps: WebhookDeps, c: Context): Promise<Response> {
  const body = await c.req.text();
  const signature = await deps.checkSignature(body, c.req.header("x-hub-signature-256"));
  if (signature === "missing") {
    return reject(deps, c, 401, "unsigned", "no X-Hub-Signature-256: set the App's webhook secret");
  }
  if (signature === "wrong") {
    return reject(
      deps,
      c,
      401,
      "wrong-signature",
      "the signature does not fit: GITHUB_WEBHOOK_SECRET is not the App's webhook secret",
    );
  }
  const parsed = parseDelivery(c.req.header("x-github-event") ?? "", body);
  return act(deps, c, parsed);
}

async function act(deps: WebhookDeps, c: Context, parsed: Delivery): Promise<Response> {
  const delivery = c.req.header("x-github-delivery");
  switch (parsed.type) {
    case "workflow_job": {
      const received = await deps.receiveDelivery(parsed.word);
      if (received.type === "unchanged") return c.json({ recorded: false, reason: received.reason }, 202);
      const { job } = received;
      deps.log.info("delivery-recorded", {
        delivery,
        job: job.id,
        endpoint: job.endpoint,
        state: job.state,
        githubEvent: `workflow_job.${parsed.word.status}`,
      });
      return c.json({ recorded: true, job: job.id, state: job.state }, 202);
    }
    case "installation":
      await deps.receiveInstallation(parsed.event);
      return c.json({ recorded: true }, 202);
    case "ping":
      return c.json({ recorded: false, reason: "pong" }, 200);
    case "ignored":
      return c.json(
        { recorded: false, reason: `${parsed.event} is not used; unsubscribe the App from it` },
        202,
      );
    case "invalid":
      return reject(deps, c, 400, "invalid", parsed.reason);
  }
}

function reject(
  deps: WebhookDeps,
  c: Context,
  status: 400 | 401 | 413,
  reason: string,
  detail: string,
): Response {
  deps.rejectionLog.warn("delivery-rejected", { status, reason, message: detail });
  return problem(c, { status, title: "Delivery rejected", detail });
}
