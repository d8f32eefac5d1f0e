// Verifies GitHub's OIDC tokens: signature by the issuer's published keys, issuer, our own audience, age.
import { setTimeout as sleep } from "node:timers/promises";
import type { JWTPayload } from "jose";
import { createRemoteJWKSet, customFetch, errors, jwtVerify } from "jose";
import * as z from "zod/mini";
import type { Clock } from "../../ports/clock.ts";
import type { OidcIdentity, OidcVerdict, OidcVerifier } from "../../ports/oidc.ts";
import type { Random } from "../../ports/random.ts";
import type { GithubFetch } from "../github/fetch.ts";
import { createGithubFetch } from "../github/fetch.ts";

export type OidcOptions = {
  /** `https://token.actions.githubusercontent.com`, or `https://<host>/_services/token` of a GitHub Enterprise Server. */
  readonly issuer: string;
  /** Our public URL: a token made for another service opens nothing here. */
  readonly audience: string;
  readonly clock: Clock;
  readonly random: Pick<Random, "fraction">;
  readonly fetch?: GithubFetch;
};

/** GitHub's tokens live 5 min; one that is older was kept by somebody. */
const MAX_AGE_S = 600;
/** Clocks of runners on other machines differ. */
const CLOCK_TOLERANCE_S = 30;
/** In line with the 3 s that RunPod's client waits for `/run`. */
const KEYS_TIMEOUT_MS = 2_500;

const positive = z.coerce.number().check(z.int(), z.positive());
const claims = z.object({
  repository: z.string().check(z.regex(/^[A-Za-z0-9_-]+\/[A-Za-z0-9._-]+$/)),
  repository_id: positive,
  repository_owner: z.string().check(z.minLength(1)),
  repository_owner_id: positive,
  run_id: positive,
  run_attempt: positive,
  jti: z.string().check(z.minLength(1), z.maxLength(255)),
});

export function createOidcVerifier(options: OidcOptions): OidcVerifier {
  const { issuer, audience, clock } = options;
  const keys = createRemoteJWKSet(new URL(`${issuer}/.well-known/jwks`), {
    timeoutDuration: KEYS_TIMEOUT_MS,
    [customFetch]: keysFetch(options),
  });
  return {
    async verify(token) {
      try {
        const { payload } = await jwtVerify(token, keys, {
          issuer,
          audience,
          algorithms: ["RS256"],
          requiredClaims: ["exp", "iat", "jti"],
          maxTokenAge: MAX_AGE_S,
          clockTolerance: CLOCK_TOLERANCE_S,
          currentDate: new Date(clock.now()),
        });
        return verdictOf(payload);
      } catch (error) {
        return refusalOf(error, audience);
      }
    },
  };
}

function verdictOf(payload: JWTPayload): OidcVerdict {
  const parsed = claims.safeParse(payload);
  if (!parsed.success) {
    const missing = parsed.error.issues.map(({ path }) => path.join(".")).join(", ");
    return refused("invalid", `the OIDC token is not one of a workflow run: ${missing} is missing or odd`);
  }
  return { type: "verified", identity: identityOf(parsed.data) };
}

function identityOf(claim: z.infer<typeof claims>): OidcIdentity {
  return {
    owner: { id: claim.repository_owner_id, login: claim.repository_owner },
    repository: { id: claim.repository_id, name: claim.repository.split("/")[1] ?? "" },
    runId: claim.run_id,
    runAttempt: claim.run_attempt,
    jti: claim.jti,
  };
}

/** What is wrong with the token is an answer; that its keys cannot be had is a fault, and the caller may come again. */
function refusalOf(error: unknown, audience: string): OidcVerdict {
  if (error instanceof errors.JWTExpired) {
    return refused("expired", "the OIDC token is too old; request a new one in the step that uses it");
  }
  if (error instanceof errors.JWTClaimValidationFailed && error.claim === "aud") {
    return refused("invalid", `the OIDC token is for another audience; request it for ${audience}`);
  }
  if (isTokenFault(error)) {
    return refused("invalid", "the OIDC token is not a valid one of the configured issuer");
  }
  throw new Error("The keys of the OIDC issuer cannot be read; check the way out to it.", { cause: error });
}

const TOKEN_FAULTS = [
  errors.JWTClaimValidationFailed,
  errors.JWTInvalid,
  errors.JWSInvalid,
  errors.JWSSignatureVerificationFailed,
  errors.JOSEAlgNotAllowed,
  errors.JOSENotSupported,
  errors.JWKSNoMatchingKey,
  errors.JWKSMultipleMatchingKeys,
];

function isTokenFault(error: unknown): boolean {
  return TOKEN_FAULTS.some((kind) => error instanceof kind);
}

function refused(reason: "expired" | "invalid", message: string): OidcVerdict {
  return { type: "refused", reason, message };
}

/** undici's answers are not the class that jose's types know. */
function keysFetch({ fetch, random }: OidcOptions) {
  const pause = (ms: number) => sleep(ms);
  const send = createGithubFetch({ random, pause, timeoutMs: KEYS_TIMEOUT_MS, ...(fetch && { fetch }) });
  return async (url: string): Promise<Response> => {
    const response = await send(url, { headers: { accept: "application/json" }, redirect: "manual" });
    return new Response(await response.text(), { status: response.status });
  };
}
