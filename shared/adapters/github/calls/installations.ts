// Finds as whom to call: a caller's own token, else the installation: the hint first, GitHub's answer when that is wrong.

import * as z from "zod/mini";
import type { EpochMs } from "../../../domain/ids.ts";
import { isOver } from "../../../domain/time-gate.ts";
import type { Clock } from "../../../ports/clock.ts";
import { type Caller, GithubError } from "../../../ports/github.ts";
import type { Log } from "../../../ports/log.ts";
import { type PersonalToken, personalToken } from "../credential.ts";
import { answered, type Call, type Send } from "../send.ts";

/** Runs `use` with the caller's installation, and once more with another one when GitHub knows better. */
export type AsCaller = <T>(
  caller: Caller,
  repo: string | undefined,
  use: (as: number | PersonalToken) => Promise<T>,
) => Promise<T>;

/** A found installation is believed this long before another refusal asks for it again: a deleted job is a 404 too. */
const BELIEVE_MS = 60_000;

type Found = { readonly id: number; readonly foundAt: EpochMs };

export function createAsCaller(deps: {
  readonly send: Send;
  readonly clock: Clock;
  readonly log: Log;
  readonly site: string;
}): AsCaller {
  const found = new Map<string, Found>();
  const flights = new Map<string, Promise<number>>();

  async function find(caller: Caller, repo: string | undefined, key: string): Promise<number> {
    try {
      const id = await lookUp(deps, caller, repo);
      found.set(key, { id, foundAt: deps.clock.now() });
      return id;
    } finally {
      flights.delete(key);
    }
  }

  function findOnce(caller: Caller, repo: string | undefined): Promise<number> {
    const key = keyOf(caller);
    const flight = flights.get(key) ?? find(caller, repo, key);
    flights.set(key, flight);
    return flight;
  }

  /** The installation to try after `id` was refused; undefined when `id` is right as far as GitHub tells. */
  async function another(id: number, caller: Caller, repo: string | undefined): Promise<number | undefined> {
    const foundAt = found.get(keyOf(caller))?.foundAt;
    if (foundAt !== undefined && !isOver(foundAt, BELIEVE_MS, deps.clock.now())) return undefined;
    const right = await findOnce(caller, repo);
    if (right === id) return undefined;
    const message = `The App's installation for ${caller.owner.login} is ${right}, not ${id}`;
    deps.log.warn("installation-corrected", { tenant: caller.owner.login, message });
    return right;
  }

  return async (caller, repo, use) => {
    if (caller.token !== undefined) return await use(personalToken(caller.token));
    const known = found.get(keyOf(caller))?.id ?? caller.installationId;
    const id = known ?? (await findOnce(caller, repo));
    try {
      return await use(id);
    } catch (error) {
      const right = mayBeWrongInstallation(error) ? await another(id, caller, repo) : undefined;
      if (right === undefined) throw error;
      return await use(right);
    }
  };
}

function keyOf({ owner }: Caller): string {
  return owner.login.toLowerCase();
}

/** Another owner's installation is refused with 404 or 403, one that is gone with 404. Nothing was done in either case. */
function mayBeWrongInstallation(error: unknown): boolean {
  return error instanceof GithubError && (error.fault === "not-found" || error.fault === "forbidden");
}

type LookUpDeps = { readonly send: Send; readonly site: string };

async function lookUp(deps: LookUpDeps, caller: Caller, repo: string | undefined): Promise<number> {
  const { login, type } = caller.owner;
  const byOwner = await ask(deps, {
    ...words(caller),
    route: type === "Organization" ? "GET /orgs/{login}/installation" : "GET /users/{login}/installation",
    parameters: { login },
  });
  if (byOwner !== undefined) return byOwner;
  // A renamed owner: GitHub redirects repositories, not owners.
  const byRepository = repo && (await ask(deps, repositoryCall(caller, repo)));
  if (byRepository) return byRepository;
  throw new GithubError(
    `The GitHub App is not installed for ${caller.owner.login}. An owner can install it from the App's page, ${deps.site}/apps/<app>/installations/new; if it was removed on purpose, remove the tenant from dispatch.yaml.`,
    { fault: "not-found" },
  );
}

function repositoryCall(caller: Caller, repo: string): Call {
  return {
    ...words(caller),
    route: "GET /repos/{owner}/{repo}/installation",
    parameters: { owner: caller.owner.login, repo },
  };
}

function words(caller: Caller) {
  const kind = caller.owner.type === "Organization" ? "organization" : "user";
  return {
    purpose: "find the App's installation",
    target: `${kind} ${caller.owner.login}`,
    permission: "Metadata, read",
    // No call can be made before it.
    class: "start" as const,
  };
}

const installationJson = z.object({ id: z.int() });

async function ask(deps: LookUpDeps, call: Call): Promise<number | undefined> {
  try {
    return (await deps.send("app", call, installationJson)).id;
  } catch (error) {
    if (answered(error, 404)) return undefined;
    throw error;
  }
}
