// What an engine's refusal of a container means: try again later, or not at all.
import type { StartOutcome } from "../../../ports/pool-driver.ts";
import { type EngineAnswer, wordsOf } from "./engine/engine-answer.ts";
import { EngineFault } from "./engine/engine-fault.ts";

export type NotStarted = Exclude<StartOutcome, { type: "started" } | { type: "cut-off" }>;

/** The host is short of something and may have it again. */
const SHORTAGE =
  /no space left|quota exceeded|cannot allocate memory|resource temporarily unavailable|too many open files|device or resource busy|i\/o timeout|context (deadline exceeded|canceled)|is being removed|shutting down/i;
const SHORTAGE_RETRY_MS = 5_000;

/** What to do about it, by the engine's own words: Docker 20 to 29, Podman 4 and 5, runc and crun. */
const ADVICE: readonly { readonly words: RegExp; readonly advice: string }[] = [
  {
    words: /gathering device information|stat \/dev\/|\/dev\/\S+: no such/i,
    advice: "the host lacks a device file: check the pool's cards, cardIds and deviceFiles against its /dev",
  },
  {
    words: /(unknown|invalid) (or invalid )?runtime|runtime .*(not found|not configured)/i,
    advice: "install the container runtime on the host, or set the pool's devices to engine",
  },
  {
    words: /could not select device driver|nvidia-container|unresolvable CDI/i,
    advice: "install the NVIDIA Container Toolkit on the host, or check the pool's cards",
  },
  {
    words: /bind source path does not exist|statfs |invalid mount config/i,
    advice: "a mounted path is missing on the host: check the pool's mounts",
  },
  {
    words: /executable file not found|exec: .*(no such file|permission denied)|no command specified/i,
    advice: "the image has no such program: check the endpoint's command and image",
  },
  { words: /exec format error/i, advice: "the image is made for another architecture than the host's" },
  {
    words: /network .*not found|unable to find network/i,
    advice: "the engine has no such network: check the pool's network",
  },
  {
    words: /container-init binary not found|docker-init/i,
    advice: "install catatonit (Podman) or docker-init on the host",
  },
  { words: /rlimit/i, advice: "the host does not allow such limits: check the pool's ulimits" },
];

/** `doing`: "create the container" or the like. */
export function refusal(answer: EngineAnswer, doing: string, url: string): NotStarted {
  const words = wordsOf(answer);
  const message = `the Docker engine at ${url} could not ${doing}: ${words}`;
  if (SHORTAGE.test(words) || isPassing(answer.status)) return unavailable(message, SHORTAGE_RETRY_MS);
  if (answer.status === 401 || answer.status === 403) {
    return {
      type: "refused",
      message: `${message}; it does not allow this client to: check the pool's host and tls`,
    };
  }
  const known = ADVICE.find((entry) => entry.words.test(words));
  // Anything else is taken for the job's own: `unavailable` would hold up every other job of the pool.
  return { type: "refused", message: known === undefined ? message : `${message}; ${known.advice}` };
}

/** Of a creation: what an engine refuses to make is not there. */
export function creationRefused(answer: EngineAnswer, doing: string, url: string): NotStarted {
  const outcome = refusal(answer, doing, url);
  return isOfProxy(answer.status) ? outcome : madeNothing(outcome);
}

/** Throws `error` when it is none of an engine's. */
export function unreachable(error: unknown): NotStarted {
  if (!(error instanceof EngineFault)) throw error;
  return error.kind === "settings"
    ? { type: "refused", message: error.message }
    : unavailable(error.message, undefined);
}

/** Of a start that has asked the engine for no container, or was refused one. */
export function madeNothing(outcome: NotStarted): NotStarted {
  return outcome.type === "unavailable" ? { ...outcome, madeNothing: true } : outcome;
}

export function unavailable(message: string, retryAfterMs: number | undefined): NotStarted {
  return { type: "unavailable", message, retryAfterMs };
}

function isPassing(status: number): boolean {
  return status === 429 || isOfProxy(status);
}

/** What the engine behind it has done nobody knows. */
function isOfProxy(status: number): boolean {
  return status >= 502 && status <= 504;
}
