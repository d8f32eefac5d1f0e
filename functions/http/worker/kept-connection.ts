// Whether a connection stays open behind an answer of the worker plane.
import type { ServerResponse } from "node:http";
import type { WorkerContext } from "./context.ts";

/**
 * With `refresh_worker` RunPod's SDK up to 1.7.0 leaves as soon as it has written its result: into the connection that
 * brought the job, if that is still there; one that it would have to open first is not (docs/runpod-sdks.md). All others
 * are safer with a connection of its own for each call, which no restart and no proxy closes while a handler blocks.
 */
const NEEDS_IT = /^RunPod-Python-SDK\/(?:0\.|1\.[0-6]\.|1\.7\.0(?: |$))/;

const PROBE_MS = 60_000;

export function staysOpen(c: WorkerContext): boolean {
  return c.get("deliversJob") === true && NEEDS_IT.test(c.req.header("user-agent") ?? "");
}

/** However long the job takes; a peer that is gone without a word is found by the kernel. */
export function keepOpen(c: WorkerContext): void {
  const { outgoing } = (c.env ?? {}) as { outgoing?: ServerResponse };
  // Behind Node's own listener, which sets its idle limit.
  outgoing?.once("finish", () => outgoing.req.socket.setTimeout(0).setKeepAlive(true, PROBE_MS));
}
