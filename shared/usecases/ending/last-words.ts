// What a worker printed last, for whoever wants to know why it ended.
import type { Worker } from "../../domain/worker/worker.ts";
import type { Deps } from "../deps.ts";
import { endpointOf } from "../deps.ts";

/**
 * Without the secrets that the worker was given. Nothing where its log cannot be read: an end waits for none. At most
 * `characters`, the last ones.
 */
export async function lastWords(
  deps: Deps,
  worker: Worker,
  { lines, characters = Number.POSITIVE_INFINITY }: { readonly lines: number; readonly characters?: number },
): Promise<string[]> {
  try {
    const tail = (await deps.pools.get(worker.pool)?.driver.logsTail(worker.id, lines)) ?? [];
    const secrets = secretsOf(deps, worker);
    return fitting(
      tail.map((line) => masked(line, secrets)),
      characters,
    );
  } catch (error) {
    deps.log.warn("last-words-not-read", { worker: worker.id, pool: worker.pool, error });
    return [];
  }
}

/** Its own token, and what its endpoint gives it (functions/worker-env.ts). */
function secretsOf(deps: Deps, worker: Worker): string[] {
  const env = deps.workerEnv(worker);
  const { secrets = {} } = endpointOf(deps, worker.endpoint) ?? {};
  return ["RUNPOD_AI_API_KEY", ...Object.keys(secrets)].flatMap((name) => env[name] || []);
}

function masked(line: string, secrets: readonly string[]): string {
  return secrets.reduce((text, secret) => text.replaceAll(secret, "***"), line);
}

function fitting(lines: readonly string[], characters: number): string[] {
  const kept: string[] = [];
  let left = characters;
  for (const line of [...lines].reverse()) {
    if (left <= 0) break;
    kept.unshift(line.length <= left ? line : line.slice(-left));
    left -= line.length + 1;
  }
  return kept;
}
