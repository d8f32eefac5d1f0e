// What an ended API job still has of its input and its result, and when that goes. The job itself stays for its history.
import type { EpochMs } from "../ids.ts";
import type { ApiSide } from "./api-job.ts";
import type { Payload } from "./payload.ts";

type Ended = { readonly state: string; readonly api: ApiSide | undefined };

/** Of what is smaller the history is not freed by a write of its own. */
const BULKY_CHARACTERS = 2_000;
const GONE = { type: "gone" } as const;

/** `/retry` needs the input. Where a token was erased from it, it cannot be. */
export function mayBeRetried({ state, api }: Ended): boolean {
  return (state === "FAILED" || state === "TIMED_OUT") && api?.runner?.patErased !== true;
}

/** When something of an ended job is to be removed; undefined: nothing is, or a callback still tells the result. */
export function forgetAt(job: Ended): EpochMs | undefined {
  const { api } = job;
  if (api?.endedAt === undefined) return undefined;
  if (api.input.type === "parts" && !mayBeRetried(job)) return api.endedAt;
  const isBulky = [api.input, api.output].some(takesRoom);
  return isBulky && api.callback?.dueAt === undefined ? api.expiresAt : undefined;
}

/** What may go now, and the side without it; the same side when nothing may. */
export function forgotten(
  job: Ended & { readonly api: ApiSide },
  now: EpochMs,
): { readonly api: ApiSide; readonly removed: readonly Payload[] } {
  const { api } = job;
  const at = forgetAt(job);
  if (at === undefined || at > now) return { api, removed: [] };
  // The input goes first: whoever can still ask for the result cannot ask for that any more.
  const isOver = api.callback?.dueAt === undefined && api.expiresAt !== undefined && api.expiresAt <= now;
  const output = isOver ? api.output : undefined;
  return {
    api: { ...api, input: GONE, ...(output && { output: GONE }) },
    removed: output === undefined ? [api.input] : [api.input, output],
  };
}

/** What lies in the job's own row and nobody can ask for: it goes with the end itself. */
export function withoutInput(api: ApiSide): ApiSide {
  const input = api.input.type === "inline" ? GONE : api.input;
  return { ...api, input, sealedS3Config: undefined };
}

function takesRoom(payload: Payload | undefined): boolean {
  if (payload === undefined || payload.type === "gone") return false;
  return payload.type === "parts" || payload.json.length > BULKY_CHARACTERS;
}
