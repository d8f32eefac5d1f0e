// JSON answers. A large value in one lies in the store: it is sent from there part by part, as fast as it is read by
// whoever asked, so that neither its size nor a slow reader costs memory.
import { setTimeout as sleep } from "node:timers/promises";
import type { Context } from "hono";
import { StoredJson } from "../../../shared/domain/job/payload.ts";
import type { PayloadStore } from "../../../shared/ports/api-store.ts";
import type { Problem } from "../problem.ts";
import { problem } from "../problem.ts";
import type { Held, RoomOwner } from "./byte-room.ts";
import type { Desk } from "./desk.ts";
import type { PaceOwner } from "./pace.ts";

export type AnswerDesk = {
  readonly desk: Pick<Desk, "answers" | "pace">;
  readonly payloads: Pick<PayloadStore, "part">;
  readonly owner: RoomOwner & PaceOwner;
  /** How a caller is told to come again, when the owner's other large answers are still under way. */
  readonly refuse?: (c: Context, refusal: Problem) => Response;
};

/** Of its owner's other large answers; after it the caller is told to come again. */
const WAIT_MS = 10_000;
const RETRY_MS = 5_000;

/** `answer`: an object, or a list of one. Only a member of that object may be a `StoredJson`. */
export async function jsonAnswer(
  c: Context,
  answer: object,
  { desk, payloads, owner, refuse = problem }: AnswerDesk,
): Promise<Response> {
  const found = largeOf(answer);
  if (found === undefined) return c.json(answer);
  const { signal } = c.req.raw;
  const { bytes } = found.large.payload;
  const held = await desk.answers.wait(owner, bytes, { ms: WAIT_MS, signal });
  if (held.type === "full") return refuse(c, IS_FULL);
  const pace = (sent: number) => desk.pace({ ...owner, key: `answers to ${owner.key}` }, sent);
  const parts = sendParts(found, payloads, pace);
  const length = Buffer.byteLength(found.head) + bytes + Buffer.byteLength(found.tail);
  c.header("content-type", "application/json");
  c.header("content-length", String(length));
  return c.body(streamOf(parts, held));
}

const IS_FULL: Problem = {
  status: 503,
  title: "Too much under way",
  detail:
    "as many large answers of this tenant are under way as it may have at a time; ask again when they have been read",
  retryAfterMs: RETRY_MS,
};

type Found = { readonly head: string; readonly large: StoredJson; readonly tail: string };

function largeOf(answer: object): Found | undefined {
  const [object, open, close] = Array.isArray(answer) ? [answer[0], "[", "]"] : [answer, "", ""];
  const entries = Object.entries((object ?? {}) as object);
  const [name, large] = entries.find(([, value]) => value instanceof StoredJson) ?? [];
  if (name === undefined) return undefined;
  const others = JSON.stringify(Object.fromEntries(entries.filter(([other]) => other !== name)));
  const before = others === "{}" ? "{" : `${others.slice(0, -1)},`;
  return { head: `${open}${before}${JSON.stringify(name)}:`, large: large as StoredJson, tail: `}${close}` };
}

async function* sendParts(
  { head, large: { payload }, tail }: Found,
  payloads: Pick<PayloadStore, "part">,
  pace: (bytes: number) => number,
): AsyncGenerator<Uint8Array, undefined> {
  yield Buffer.from(head);
  for (let number = 0; number < payload.count; number++) {
    const part = await payloads.part(payload, number);
    // Its time was over in between: the connection breaks, which no client takes for the whole.
    if (part === undefined) throw new Error(`part ${number} of ${payload.key} is no longer stored`);
    const bytes = Buffer.from(part);
    yield bytes;
    const waitMs = pace(bytes.length);
    if (waitMs >= 1) await sleep(waitMs);
  }
  yield Buffer.from(tail);
}

function streamOf(parts: AsyncGenerator<Uint8Array, undefined>, held: Held): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await parts.next();
          if (done !== true) return controller.enqueue(value);
          held.release();
          controller.close();
        } catch (error) {
          held.release();
          throw error;
        }
      },
      cancel: () => held.release(),
    },
    // Nothing is read from the store before it is asked for.
    { highWaterMark: 0 },
  );
}
