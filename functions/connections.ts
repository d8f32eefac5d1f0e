// Connections of one server: no more than it may have, no more than one address may have, and none that takes its answer so
// slowly that it never ends.
import type { Server } from "node:http";
import type { Socket } from "node:net";
import type { Log } from "../shared/ports/log.ts";

export type ConnectionLimits = {
  readonly connections: number;
  readonly connectionsPerAddress: number;
};

/** An answer of which nothing was taken for so long is given up. Its parts are below 200 kB. */
const STALLED_MS = 30_000;
const LOOK_MS = 5_000;
/** One line in so long: each refusal would be one otherwise. */
const NOTE_MS = 60_000;

type ConnectionOptions = {
  readonly limits: ConnectionLimits;
  readonly log: Log;
  readonly stalledMs?: number;
};
type Progress = { sent: number; at: number };

/** The connections that are open, as they come and go. */
export function limitConnections(
  http: Server,
  { limits, log, stalledMs = STALLED_MS }: ConnectionOptions,
): ReadonlySet<Socket> {
  const sockets = new Set<Socket>();
  const ofAddress = new Map<string, number>();
  let notedAt = Number.NEGATIVE_INFINITY;
  http.on("connection", (socket) => {
    const address = socket.remoteAddress ?? "";
    const count = ofAddress.get(address) ?? 0;
    const full = sockets.size >= limits.connections ? "connections" : undefined;
    const reason = count >= limits.connectionsPerAddress ? "connectionsPerAddress" : full;
    if (reason !== undefined) {
      note(reason);
      socket.destroy();
      return;
    }
    sockets.add(socket);
    ofAddress.set(address, count + 1);
    socket.once("close", () => {
      sockets.delete(socket);
      const left = (ofAddress.get(address) ?? 1) - 1;
      if (left > 0) ofAddress.set(address, left);
      else ofAddress.delete(address);
    });
  });
  const look = setInterval(dropStalled(sockets, stalledMs), Math.min(LOOK_MS, stalledMs)).unref();
  http.once("close", () => clearInterval(look));
  return sockets;

  function note(reason: keyof ConnectionLimits): void {
    if (performance.now() - notedAt < NOTE_MS) return;
    notedAt = performance.now();
    const message = `a connection was refused: there are as many as limits.${reason} of dispatch.yaml allows`;
    log.warn("connection-refused", { reason, count: limits[reason], message });
  }
}

/** What the kernel has taken of an answer is sent, as far as anybody here can tell. */
function dropStalled(sockets: ReadonlySet<Socket>, stalledMs: number): () => void {
  const progress = new WeakMap<Socket, Progress>();
  return function look() {
    const now = performance.now();
    for (const socket of sockets) {
      const sent = socket.bytesWritten - socket.writableLength;
      const last = progress.get(socket);
      if (socket.writableLength === 0) progress.delete(socket);
      else if (last === undefined || last.sent !== sent) progress.set(socket, { sent, at: now });
      else if (now - last.at >= stalledMs) socket.destroy();
    }
  };
}
