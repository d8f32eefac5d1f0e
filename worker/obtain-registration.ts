// Gets what a runner registers with, from the dispatcher or from GitHub itself, and tries again within bounds.
import { backoffMs } from "../shared/domain/backoff.ts";
import type { RegistrationAnswer } from "../shared/protocol/worker-plane.ts";
import type { GitHubClient } from "./github-client.ts";
import { describeFault } from "./mask.ts";
import type { RegisterAnswer } from "./runpod-client.ts";
import type { RegistrationSource } from "./runner-plan.ts";
import type { Retrying } from "./take-job.ts";
import { REGISTER_LIMIT_MS, RETRY } from "./time-limits.ts";

export type RegistrationOutcome =
  | { readonly type: "granted"; readonly registration: RegistrationAnswer }
  | { readonly type: "refused"; readonly message: string };

/** `github` is needed for a source of type `github` only. */
export async function obtainRegistration(
  { client, clock, random, log }: Retrying,
  source: RegistrationSource,
  github: GitHubClient | undefined,
  signal: AbortSignal,
): Promise<RegistrationOutcome> {
  const until = clock.now() + REGISTER_LIMIT_MS;
  const ask = () => (source.type === "github" && github ? askGitHub(github, signal) : client.register(kindOf(source), signal));
  for (let attempt = 0; ; attempt += 1) {
    const answer = await orLater(ask);
    if (answer.type !== "later") return answer;
    const waitMs = answer.afterMs ?? backoffMs(attempt, random(), RETRY);
    if (signal.aborted || clock.now() + waitMs > until) return { type: "refused", message: answer.message };
    log.warn("registration-delayed", { message: answer.message, ms: waitMs });
    await clock.sleep(waitMs, signal);
  }
}

function kindOf(source: RegistrationSource): "token" | "jit" {
  return source.type === "dispatcher" ? source.kind : "token";
}

async function askGitHub(github: GitHubClient, signal: AbortSignal): Promise<RegisterAnswer> {
  const answer = await github.createToken("registration", signal);
  return answer.type === "granted" ? { type: "granted", registration: { type: "token", token: answer.token } } : answer;
}

async function orLater(ask: () => Promise<RegisterAnswer>): Promise<RegisterAnswer> {
  try {
    return await ask();
  } catch (error) {
    return { type: "later", message: describeFault(error), afterMs: undefined };
  }
}
