// Node's own HTTP client with connections that are kept, but none that may have died in a freeze.
import type { Agent, AgentOptions, ClientRequest } from "node:http";
import type { Duplex } from "node:stream";
import type { EpochMs } from "../../domain/ids.ts";
import { mayBeDead } from "./may-be-dead.ts";

export type KeptAgent = {
  readonly agent: Agent;
  readonly request: Client["request"];
  /** To be called before each attempt of a request. */
  refresh(): void;
};

type Options = AgentOptions & { readonly now?: (() => EpochMs) | undefined };

/**
 * `refresh` gives up what was idle for too long. Where a connection that was used again fails nevertheless, the others that
 * wait are given up too: they have the same age, and the next attempt must not meet the next dead one.
 */
export function createKeptAgent(protocol: string, { now = Date.now, ...options }: Options = {}): KeptAgent {
  const { Agent: Base, request } = clientOf(protocol);
  const freeSince = new WeakMap<Duplex, EpochMs>();

  class KeepingAgent extends Base {
    override keepSocketAlive(socket: Duplex) {
      freeSince.set(socket, now());
      return super.keepSocketAlive(socket);
    }

    override reuseSocket(socket: Duplex, sent: ClientRequest): void {
      super.reuseSocket(socket, sent);
      sent.once("error", () => giveUp(() => true));
    }
  }

  const agent = new KeepingAgent({ ...options, keepAlive: true });

  function giveUp(isDead: (socket: Duplex) => boolean): void {
    for (const sockets of Object.values(agent.freeSockets)) {
      for (const socket of [...(sockets ?? [])]) if (isDead(socket)) socket.destroy();
    }
  }

  return {
    agent,
    request,
    refresh() {
      const at = now();
      giveUp((socket) => mayBeDead(freeSince.get(socket) ?? 0, at));
    },
  };
}

/**
 * `import "node:http"` costs 23 to 35 ms on Node 24, because listing the module's exports loads its WebSocket, and so
 * undici; taken this way it is 3 ms.
 */
function clientOf(protocol: string): Client {
  return process.getBuiltinModule(protocol === "https:" ? "node:https" : "node:http");
}

type Client = Pick<typeof import("node:http"), "Agent" | "request">;
