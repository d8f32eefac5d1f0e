// What the dispatcher is shown: the API key, else this job's OIDC token.
import { mask, readInput, readVariable } from "./runner-io.mjs";

/** GitHub's OIDC tokens end 5 minutes after they were made; the dispatcher allows for little more. */
const TOKEN_USE_MS = 4 * 60_000;
const TIMEOUT_MS = 15_000;

/** @returns {() => Promise<string>} the value of `Authorization` */
export function createCredential(audience) {
  const key = readInput("api-key");
  mask(key);
  if (key !== "") return async () => `Bearer ${key}`;
  let token;
  return async () => {
    if (token === undefined || Date.now() - token.at > TOKEN_USE_MS) {
      token = { at: Date.now(), text: await requestToken(audience) };
    }
    return `Bearer ${token.text}`;
  };
}

async function requestToken(audience) {
  const [url, secret] = [
    readVariable("ACTIONS_ID_TOKEN_REQUEST_URL"),
    readVariable("ACTIONS_ID_TOKEN_REQUEST_TOKEN"),
  ];
  if (url === "" || secret === "") {
    throw new Error(
      'There is no credential for the dispatcher. Give the input api-key, or let the job have an OIDC token: "permissions: {id-token: write}". GitHub gives none to pull requests from forks.',
    );
  }
  const address = new URL(url);
  address.searchParams.set("audience", audience);
  const answer = await fetch(address, {
    headers: { authorization: `Bearer ${secret}`, accept: "application/json" },
    redirect: "manual",
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const token = answer.ok ? (await answer.json()).value : undefined;
  if (typeof token !== "string" || token === "") {
    throw new Error(`GitHub gave this job no OIDC token (${answer.status}). Run the job again.`);
  }
  mask(token);
  return token;
}
