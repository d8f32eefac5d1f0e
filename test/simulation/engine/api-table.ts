// The API plane's stores in memory: parts of inputs and results, the index of open jobs, the counts.
import type { EndpointName, EpochMs, JobId, TenantId } from "../../../shared/domain/ids.ts";
import type { Job } from "../../../shared/domain/job/job.ts";
import { isTerminal } from "../../../shared/domain/job/job.ts";
import type { Payload } from "../../../shared/domain/job/payload.ts";
import { inlinePayload, isJsonBytes } from "../../../shared/domain/job/payload.ts";
import type { ApiStores } from "../../../shared/ports/api-store.ts";
import type { Synchronous } from "./synchronous.ts";

export type ApiTable = {
  readonly [Name in keyof ApiStores]: Synchronous<ApiStores[Name]>;
} & {
  /** Keeps the index. */
  wrote(job: Job): void;
};

type Part = { readonly json: string; readonly expiresAt: EpochMs };

/** Far below the product's, so that parts are of use here too. */
const INLINE = 60;

export function createApiTable(options: {
  readonly now: () => EpochMs;
  readonly onPayload: (json: string) => void;
}): ApiTable {
  const { now, onPayload } = options;
  const parts = new Map<string, Part>();
  const open = new Map<EndpointName, Map<JobId, TenantId>>();
  const counts = new Map<EndpointName, { completed: number; failed: number; retried: number }>();
  return {
    payloads: {
      put(key, json, expiresAt) {
        if (isJsonBytes(json)) throw new Error("no body is so large here");
        onPayload(json);
        if (json.length <= INLINE) return inlinePayload(json);
        parts.set(key, { json, expiresAt });
        return { type: "parts", key, count: 1, bytes: json.length };
      },
      get(payload) {
        if (payload.type === "inline") return payload.json;
        return payload.type === "parts" ? livingPart(payload)?.json : undefined;
      },
      copy(from, key, expiresAt) {
        const part = livingPart(from);
        if (part === undefined) return undefined;
        parts.set(key, { json: part.json, expiresAt });
        return { ...from, key };
      },
      part: (payload) => livingPart(payload)?.json,
      remove(payload) {
        if (payload.type === "parts") parts.delete(payload.key);
      },
    },
    stored: { note() {}, forget() {}, total: () => 0 },
    chunks: { put() {}, list: () => [] },
    apiKeys: { get: () => undefined, create: () => true, list: () => [], revoke: (key) => key },
    apiJobs: {
      open: (endpoint, limit) =>
        [...(open.get(endpoint) ?? [])].slice(0, limit).map(([id, tenant]) => ({ id, tenant })),
    },
    counts: {
      add(endpoint, what) {
        const count = countOf(endpoint);
        counts.set(endpoint, { ...count, [what]: count[what] + 1 });
      },
      get: countOf,
    },
    wrote(job) {
      if (job.api === undefined) return;
      const ids = open.get(job.endpoint) ?? new Map();
      open.set(job.endpoint, ids);
      if (isTerminal(job)) ids.delete(job.id);
      else ids.set(job.id, job.tenant);
    },
  };

  function livingPart({ key }: Extract<Payload, { type: "parts" }>): Part | undefined {
    const part = parts.get(key);
    return part === undefined || part.expiresAt <= now() ? undefined : part;
  }

  function countOf(endpoint: EndpointName) {
    return counts.get(endpoint) ?? { completed: 0, failed: 0, retried: 0 };
  }
}
