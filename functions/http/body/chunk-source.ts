// The bytes of a request as they come, from Node's own message where there is one, and an end to those that stop coming.
import type { IncomingMessage } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { Context } from "hono";

export type ChunkSource = {
  /** Ends with a rejection when the client goes, stalls, or `abandon` was called. */
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Nothing is read meanwhile; that is no stall of the client's. */
  readonly pause: (ms: number) => Promise<void>;
  /** Gives it up, with its connection; nothing after `end`. */
  readonly abandon: () => void;
  /** Nothing more is awaited. */
  readonly end: () => void;
};

/** `isWhole`: all of it must be there within `stallMs`, not only something more. */
export function chunkSource(
  c: Context,
  { stallMs, isWhole }: { readonly stallMs: number; readonly isWhole: boolean },
): ChunkSource {
  const incoming = incomingOf(c);
  const gone = Promise.withResolvers<never>();
  // Heard only while a chunk is awaited.
  gone.promise.catch(() => undefined);
  const chunks = incoming === undefined ? streamed(c.req.raw.body) : chunksOf(incoming);
  let timer: NodeJS.Timeout | undefined;
  let hasEnded = false;
  return {
    chunks: watched(),
    async pause(ms) {
      clearTimeout(timer);
      await sleep(ms);
      watch();
    },
    abandon,
    end() {
      hasEnded = true;
      clearTimeout(timer);
    },
  };

  async function* watched() {
    watch();
    for (;;) {
      const { done, value } = await Promise.race([chunks.next(), gone.promise]);
      if (done === true) return;
      if (!isWhole) timer?.refresh();
      yield value;
    }
  }

  function watch(): void {
    if (!hasEnded) timer = setTimeout(abandon, stallMs);
  }

  function abandon(): void {
    if (hasEnded) return;
    clearTimeout(timer);
    gone.reject(new Error("the body stopped coming, or gave way"));
    incoming?.destroy();
  }
}

/** Undefined where it is not told, or not to be believed. */
export function declaredLength(c: Context): number | undefined {
  if (c.req.header("transfer-encoding") !== undefined) return undefined;
  const length = Number(c.req.header("content-length") ?? Number.NaN);
  return Number.isSafeInteger(length) && length >= 0 ? length : undefined;
}

/** Of the Node server; elsewhere a request brings its body along. */
function incomingOf(c: Context): IncomingMessage | undefined {
  return (c.env as { readonly incoming?: IncomingMessage } | undefined)?.incoming;
}

function chunksOf(incoming: IncomingMessage): AsyncIterator<Uint8Array> {
  // Whoever stops early still has an answer to send over the same connection.
  return incoming.iterator({ destroyOnReturn: false });
}

async function* streamed(body: ReadableStream<Uint8Array> | null): AsyncGenerator<Uint8Array, undefined> {
  const reader = body?.getReader();
  for (;;) {
    const { done, value } = (await reader?.read()) ?? { done: true };
    if (done || value === undefined) return undefined;
    yield value;
  }
}
