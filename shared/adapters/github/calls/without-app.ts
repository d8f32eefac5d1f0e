// GitHub for a dispatcher that has no GitHub App: as a person whose token came with the call, and as nobody else.
import type { Github } from "../../../ports/github.ts";
import { GithubError } from "../../../ports/github.ts";
import type { Send } from "../send.ts";

const MESSAGE =
  "This dispatcher has no GitHub App, so it calls GitHub only with a token that a job brings. Send one in input.github_pat, or give the dispatcher an App: GITHUB_APP_ID, GITHUB_APP_PRIVATE_KEY_FILE and GITHUB_WEBHOOK_SECRET.";
/** Nothing of it changes before a restart; whoever asks again for a job that waits does so once an hour. */
const RETRY_MS = 3_600_000;

/** Nothing of the App was ever delivered, and nothing was registered by it: what is to be swept is empty. */
export function withoutApp<T extends Github>(github: T): T {
  return {
    ...github,
    deliveries: async () => ({ deliveries: [], next: undefined }),
    listRunners: async (caller, scope) =>
      caller.token === undefined ? [] : await github.listRunners(caller, scope),
    openJobs: async (caller, repository, after) =>
      caller.token === undefined
        ? { words: [], next: undefined }
        : await github.openJobs(caller, repository, after),
  };
}

/** Whatever asks as the App, or as an installation of it, is refused with what to do. */
export function personalOnly(send: Send): Send {
  return async (as, call, schema) => {
    if (typeof as === "object") return await send(as, call, schema);
    throw noApp();
  };
}

export async function noJwt(): Promise<never> {
  throw noApp();
}

function noApp(): GithubError {
  return new GithubError(MESSAGE, { fault: "unauthorized", retryAfterMs: RETRY_MS });
}
