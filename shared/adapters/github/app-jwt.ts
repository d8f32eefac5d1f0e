// Signs the short JWT with which the App proves to GitHub that it is the App.
import { type KeyObject, sign } from "node:crypto";
import type { Clock } from "../../ports/clock.ts";
import type { Random } from "../../ports/random.ts";

/**
 * GitHub's advice for clocks that differ:
 * https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app
 */
const BACKDATED_S = 60;
/** GitHub takes at most 10 minutes from now; a minute is left for a clock that runs ahead. */
const LIFE_S = 9 * 60;

/** In the form that @octokit/auth-app asks for. */
export function createAppJwt(deps: {
  readonly key: KeyObject;
  readonly clock: Clock;
  readonly random: Random;
}): (appId: string | number) => Promise<{ jwt: string; expiresAt: string }> {
  return async (appId) => {
    const now = Math.floor(deps.clock.now() / 1_000);
    const exp = now + LIFE_S;
    // Without a jti two JWTs of the same second are byte-identical, which GitHub has answered with 404
    // (github-aws-runners/terraform-aws-github-runner#5025).
    const payload = { iat: now - BACKDATED_S, exp, iss: appId, jti: deps.random.token(24) };
    const text = `${encode({ alg: "RS256", typ: "JWT" })}.${encode(payload)}`;
    const signature = sign("sha256", Buffer.from(text), deps.key).toString("base64url");
    return { jwt: `${text}.${signature}`, expiresAt: new Date(exp * 1_000).toISOString() };
  };
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString("base64url");
}
