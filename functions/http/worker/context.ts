// What every call of the worker plane has at hand, and how RunPod's paths are read.
import type { Context } from "hono";
import type { PayloadStore } from "../../../shared/ports/api-store.ts";
import type { Log } from "../../../shared/ports/log.ts";
import type { WorkerClaims, WorkerTokens } from "../../../shared/ports/worker-token.ts";
import type { Desk } from "../body/desk.ts";
import type { WorkerUseCases } from "./use-cases.ts";

export type WorkerPlane = {
  readonly useCases: WorkerUseCases;
  readonly desk: Desk;
  readonly payloads: Pick<PayloadStore, "part">;
  readonly tokens: WorkerTokens;
  readonly log: Log;
  readonly rejectionLog: Log;
  /** RunPod takes results of 20 MB; leave some room for what is around them. A report of our worker is below 1 kB. */
  readonly maxResultBytes: number;
  /** Longest output as a part of an answer, bytes (see bytesInAnswer); undefined: as long as a result may be. */
  readonly maxOutputBytes: number | undefined;
};

export type WorkerEnv = { Variables: { claims: WorkerClaims; deliversJob?: boolean } };
export type WorkerContext = Context<WorkerEnv>;

/** RunPod's SDK names no boot; its container then is the only one we can know. */
export const SDK_BOOT = "sdk";

/** The SDK appends `&job_in_progress=0` blindly; without a `?` in the template it lands in the path. */
export function query(c: Context, name: string): string | undefined {
  return c.req.query(name) ?? gluedTo(c, "worker").get(name) ?? gluedTo(c, "job").get(name) ?? undefined;
}

/** A path segment without what is glued to it. */
export function segment(c: Context, name: string): string {
  return (c.req.param(name) ?? "").split("&")[0] ?? "";
}

function gluedTo(c: Context, name: string): URLSearchParams {
  const text = c.req.param(name) ?? "";
  const at = text.indexOf("&");
  return new URLSearchParams(at === -1 ? "" : text.slice(at + 1));
}
