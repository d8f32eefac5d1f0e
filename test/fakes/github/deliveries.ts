// The App's webhook: signs, sends once, keeps the delivery log, and loses or repeats what it is told to.
import { createHmac, randomUUID } from "node:crypto";

export type DeliveryFaults = {
  /** Probability that a delivery does not arrive; the log shows it as failed, so it can be redelivered. */
  readonly lose?: number;
  /** Actions (`completed`) whose deliveries never arrive, logged like `lose`. */
  readonly loseActions?: readonly string[];
  /** Probability that GitHub makes no delivery at all: the log does not have it either. */
  readonly vanish?: number;
  readonly vanishActions?: readonly string[];
  /** Probability that a delivery arrives twice with the same GUID. */
  readonly duplicate?: number;
  /** Least and greatest delay in real milliseconds; delayed deliveries may overtake each other. */
  readonly delayMs?: readonly [number, number];
  /** Spreads deliveries over 40 ms in random order. */
  readonly reorder?: boolean;
};

export type Delivery = {
  /** Beyond 2^53, as GitHub's are: text here, a bare integer in JSON. */
  readonly id: string;
  readonly guid: string;
  readonly event: string;
  readonly action: string | null;
  readonly installationId: number | null;
  readonly repositoryId: number | null;
  readonly redelivery: boolean;
  readonly deliveredAt: number;
  readonly durationMs: number;
  /** `OK` when the answer was 2xx. */
  readonly status: string;
  /** 0 when no answer came. */
  readonly statusCode: number;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly responseHeaders: Readonly<Record<string, string>>;
  readonly responseBody: string;
};

export type Deliveries = {
  setWebhook(url: string | undefined): void;
  setFaults(faults: DeliveryFaults): void;
  emit(event: string, payload: WebhookPayload): void;
  /** @returns false when the log has no such delivery. */
  redeliver(id: string): boolean;
  /** Newest first. */
  log(): readonly Delivery[];
  /** Resolves when every delivery made so far has been answered or lost. */
  idle(): Promise<void>;
  stop(): Promise<void>;
};

export type WebhookPayload = {
  readonly action?: string;
  readonly installation?: { readonly id: number };
  readonly repository?: { readonly id: number };
};

type Message = Pick<Delivery, "guid" | "event" | "action" | "installationId" | "repositoryId" | "body">;
type Outcome = Pick<Delivery, "status" | "statusCode" | "responseHeaders" | "responseBody">;

const REORDER_SPREAD_MS = 40;
const FIRST_ID = 2n ** 57n + 20_261_121n;

export function createDeliveries(deps: {
  readonly appId: number;
  readonly secret: string;
  readonly now: () => number;
  readonly fraction: () => number;
  readonly timeoutMs: number;
  readonly onDelivered: (delivery: Delivery) => void;
}): Deliveries {
  const log: Delivery[] = [];
  const pending = new Set<Promise<void>>();
  const stopping = new AbortController();
  let url: string | undefined;
  let faults: DeliveryFaults = {};
  let nextId = FIRST_ID;
  let inOrder: Promise<void> = Promise.resolve();

  async function perform(message: Message, redelivery: boolean, lost: boolean): Promise<void> {
    if (url === undefined || stopping.signal.aborted) return;
    const headers = headersOf(message, deps.appId, deps.secret);
    const target = url;
    const startedMs = performance.now();
    const deliveredAt = deps.now();
    const signal = AbortSignal.any([AbortSignal.timeout(deps.timeoutMs), stopping.signal]);
    const outcome = lost ? NOT_CONNECTED : await post(target, headers, message.body, signal);
    const durationMs = performance.now() - startedMs;
    const id = String(nextId++);
    const delivery = {
      id,
      ...message,
      ...outcome,
      redelivery,
      deliveredAt,
      durationMs,
      url: target,
      headers,
    };
    log.unshift(delivery);
    deps.onDelivered(delivery);
  }

  function schedule(message: Message, lost: boolean): void {
    const delayMs = delayOf(faults, deps.fraction);
    const ready = delayMs > 0 ? wait(delayMs, stopping.signal) : inOrder;
    const done = ready.then(() => perform(message, false, lost));
    if (delayMs === 0) inOrder = done;
    track(done);
  }

  function track(work: Promise<void>): void {
    pending.add(work);
    const forget = () => void pending.delete(work);
    work.then(forget, forget);
  }

  async function idle(): Promise<void> {
    while (pending.size > 0) await Promise.all(pending);
  }

  return {
    setWebhook(to) {
      url = to;
    },
    setFaults(next) {
      faults = next;
    },
    emit(event, payload) {
      const action = payload.action ?? null;
      if (url === undefined || hits(faults.vanish, faults.vanishActions, action, deps.fraction)) return;
      const message = {
        guid: randomUUID(),
        event,
        action,
        installationId: payload.installation?.id ?? null,
        repositoryId: payload.repository?.id ?? null,
        body: JSON.stringify(payload),
      };
      schedule(message, hits(faults.lose, faults.loseActions, action, deps.fraction));
      if (deps.fraction() < (faults.duplicate ?? 0)) schedule(message, false);
    },
    redeliver(id) {
      const delivery = log.find((each) => each.id === id);
      if (delivery === undefined) return false;
      const { guid, event, action, installationId, repositoryId, body } = delivery;
      track(perform({ guid, event, action, installationId, repositoryId, body }, true, false));
      return true;
    },
    log: () => [...log],
    idle,
    async stop() {
      stopping.abort();
      await idle();
    },
  };
}

// What status_code a delivery without an answer has is not documented; 0 keeps `?status=failure` from finding it.
const NOT_CONNECTED: Outcome = {
  status: "failed to connect to host",
  statusCode: 0,
  responseHeaders: {},
  responseBody: "",
};

async function post(
  url: string,
  headers: Record<string, string>,
  body: string,
  signal: AbortSignal,
): Promise<Outcome> {
  try {
    const response = await fetch(url, { method: "POST", headers, body, signal, redirect: "manual" });
    const responseBody = await response.text();
    const status = response.ok ? "OK" : `Invalid HTTP Response: ${response.status}`;
    return {
      status,
      statusCode: response.status,
      responseHeaders: Object.fromEntries(response.headers),
      responseBody,
    };
  } catch (error) {
    const timedOut = error instanceof DOMException && error.name === "TimeoutError";
    return timedOut ? { ...NOT_CONNECTED, status: "timed out" } : NOT_CONNECTED;
  }
}

function headersOf(message: Message, appId: number, secret: string): Record<string, string> {
  const hmac = (algorithm: string) => createHmac(algorithm, secret).update(message.body).digest("hex");
  return {
    Accept: "*/*",
    "Content-Type": "application/json",
    "User-Agent": "GitHub-Hookshot/5e7d1c2",
    "X-GitHub-Delivery": message.guid,
    "X-GitHub-Event": message.event,
    "X-GitHub-Hook-ID": "512300045",
    "X-GitHub-Hook-Installation-Target-ID": String(appId),
    "X-GitHub-Hook-Installation-Target-Type": "integration",
    "X-Hub-Signature": `sha1=${hmac("sha1")}`,
    "X-Hub-Signature-256": `sha256=${hmac("sha256")}`,
  };
}

function hits(
  probability: number | undefined,
  actions: readonly string[] | undefined,
  action: string | null,
  fraction: () => number,
): boolean {
  if (action !== null && actions?.includes(action)) return true;
  return probability !== undefined && fraction() < probability;
}

function delayOf(faults: DeliveryFaults, fraction: () => number): number {
  const [least, greatest] = faults.delayMs ?? [0, 0];
  const spread = faults.reorder ? fraction() * REORDER_SPREAD_MS : 0;
  return least + fraction() * (greatest - least) + spread;
}

function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
