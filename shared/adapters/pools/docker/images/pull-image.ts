// Pulls images, each once at a time however many workers wait for it.
import type { Clock } from "../../../../ports/clock.ts";
import type { Log } from "../../../../ports/log.ts";
import type { Engine } from "../engine/engine.ts";
import { EngineFault } from "../engine/engine-fault.ts";
import { jsonLines } from "../engine/json-lines.ts";
import type { DockerPoolSettings } from "../settings.ts";
import { createPullProgress, type PullProgress } from "./pull-progress.ts";
import { registryAuth, type SecretSource, withTag } from "./registry-auth.ts";
import { createPatience } from "./registry-patience.ts";

type PullOutcome =
  | { readonly type: "pulled" }
  /** `by` absent: the engine or our own settings, which say the same again. */
  | { readonly type: "refused"; readonly message: string; readonly by?: "registry" }
  | {
      readonly type: "unavailable";
      readonly message: string;
      readonly retryAfterMs: number;
      readonly of?: "job";
    };

export type Pull = {
  /** Never fails. */
  readonly ended: Promise<PullOutcome>;
  /** What the workers wait for, as a sentence. */
  describe(): string;
};

export type Pulls = {
  /** Joins a pull that runs; right after the registry's refusal, or before it wants to be, it is not asked again. */
  pull(image: string): Pull;
};

export type PullDeps = {
  readonly engine: Engine;
  readonly settings: Pick<DockerPoolSettings, "name" | "registries">;
  readonly secrets: SecretSource;
  readonly clock: Clock;
  readonly log: Log;
  /** A pull without a word from the engine for this long has failed. */
  readonly quietMs: number;
};

/** A registry answers the same within this; every job that needs the image would ask it again. */
const REFUSED_MS = 60_000;
const RETRY_MS = 10_000;
/** Docker Hub counts pulls by 6 hours and says no more than "later". */
const LIMITED_RETRY_MS = 60_000;

export function createPulls(deps: PullDeps): Pulls {
  const patience = createPatience(deps.clock);
  const running = new Map<string, Pull>();
  const refusals = new Map<string, { readonly pull: Pull; readonly until: number }>();
  return { pull };

  function pull(image: string): Pull {
    const refused = refusals.get(image);
    if (refused !== undefined && deps.clock.now() < refused.until) return refused.pull;
    refusals.delete(image);
    const joined = running.get(image);
    if (joined !== undefined) return joined;
    const begun = beginPull(image, deps, (outcome) => settled(image, outcome));
    running.set(image, begun);
    void begun.ended.then((outcome) => {
      running.delete(image);
      const forMs = refusedMs(outcome);
      if (forMs > 0) refusals.set(image, { pull: begun, until: deps.clock.now() + forMs });
    });
    return begun;
  }

  /** What a registry says in a bad minute is not its last word. */
  function settled(image: string, outcome: PullOutcome): PullOutcome {
    if (outcome.type === "pulled") patience.forget(image);
    if (outcome.type !== "refused" || outcome.by !== "registry") return outcome;
    return patience.isOver(image) ? outcome : later(outcome.message, RETRY_MS);
  }
}

/** Each job that needs the image is answered alike meanwhile; an engine that was away may be back at any moment. */
function refusedMs(outcome: PullOutcome): number {
  if (outcome.type === "refused") return REFUSED_MS;
  return outcome.type === "unavailable" && outcome.of === "job" ? outcome.retryAfterMs : 0;
}

function beginPull(image: string, deps: PullDeps, judge: (outcome: PullOutcome) => PullOutcome): Pull {
  const { name } = deps.settings;
  const progress = createPullProgress();
  const startedAt = deps.clock.now();
  const about = { pool: name, message: `image ${image}` };
  deps.log.info("image-pull-started", about);
  const ended = runPull(image, progress, deps).then((said) => {
    const outcome = judge(said);
    const ms = deps.clock.now() - startedAt;
    if (outcome.type === "pulled") deps.log.info("image-pulled", { ...about, ms });
    else deps.log.warn("image-not-pulled", { pool: name, ms, message: outcome.message });
    return outcome;
  });
  return {
    ended,
    describe() {
      const done = progress.done();
      return `pulling image ${image}${done === undefined ? "" : `: ${done}`}`;
    },
  };
}

async function runPull(image: string, progress: PullProgress, deps: PullDeps): Promise<PullOutcome> {
  try {
    const headers = registryAuth(image, deps.settings.registries, deps.secrets);
    const query = { fromImage: withTag(image) };
    const { status, chunks } = await deps.engine.stream(
      { method: "POST", path: "/images/create", query, headers },
      deps.quietMs,
    );
    for await (const line of jsonLines(chunks)) progress.take(line);
    const failure = progress.failure() ?? (status === 200 ? undefined : `the engine answered ${status}`);
    return failure === undefined ? { type: "pulled" } : outcomeOf(image, failure);
  } catch (error) {
    const message = `image ${image} could not be pulled: ${error instanceof Error ? error.message : String(error)}`;
    if (error instanceof EngineFault && error.kind === "unavailable") {
      return { type: "unavailable", message, retryAfterMs: RETRY_MS };
    }
    return { type: "refused", message };
  }
}

const REASONS: readonly { readonly words: RegExp; readonly advice: string }[] = [
  {
    words: /unauthorized|access denied|denied:|authentication required|forbidden|\b40[13]\b/i,
    advice: "check its name, and the login for its registry under the pool's registries",
  },
  {
    words: /no matching manifest|no image found in (manifest list|image index) for/i,
    advice: "it is not made for the architecture of this host",
  },
  {
    words: /manifest unknown|name unknown|not found|does not exist|repository name not known/i,
    advice: "check its name and tag",
  },
  { words: /no such host/i, advice: "check the name of its registry" },
  {
    words: /x509|HTTP response to HTTPS client|certificate/i,
    advice: "the engine does not trust its registry: see the engine's registry settings",
  },
];
/** The engine's own word, before any registry was asked. */
const INVALID = /invalid reference/i;
const LIMITED = /toomanyrequests|too many requests|rate limit|\b429\b/i;

/** `words`: the engine's, for people. */
function outcomeOf(image: string, words: string): PullOutcome {
  const message = `image ${image} could not be pulled: ${words.replaceAll(/\s+/g, " ").trim().slice(0, 400)}`;
  if (LIMITED.test(words)) return later(message, LIMITED_RETRY_MS);
  const reason = REASONS.find((entry) => entry.words.test(words));
  if (INVALID.test(words)) return { type: "refused", message: `${message}; check its name and tag` };
  if (reason !== undefined) {
    return { type: "refused", message: `${message}; ${reason.advice}`, by: "registry" };
  }
  return later(message, RETRY_MS);
}

/** The registry's own trouble: images that the host has, or of other registries, start meanwhile. */
function later(message: string, retryAfterMs: number): PullOutcome {
  return { type: "unavailable", message, retryAfterMs, of: "job" };
}
