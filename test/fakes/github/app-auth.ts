// Who calls: verifies the App's JWT with its public key, mints installation tokens and checks what they may do.
import { type KeyObject, verify } from "node:crypto";
import { ApiError } from "./endpoints/api-error.ts";
import type { Installation, Permissions, PersonalToken } from "./records.ts";
import { secret, type World } from "./world.ts";

export type Caller =
  | { readonly type: "app" }
  | { readonly type: "installation"; readonly installation: Installation; readonly permissions: Permissions }
  | { readonly type: "person"; readonly personal: PersonalToken };

export type AppAuth = {
  /** @throws ApiError 401 with GitHub's reason. */
  app(authorization: string | undefined): Caller;
  /** Undefined when it is no personal access token of this world. */
  person(authorization: string | undefined): Extract<Caller, { type: "person" }> | undefined;
  /** @throws ApiError 401. */
  installation(authorization: string | undefined): Extract<Caller, { type: "installation" }>;
  /** @throws ApiError 404 when the App's very JWT was used before and the switch is on. */
  refuseRepeated(authorization: string | undefined): void;
  mint(
    installation: Installation,
    permissions: Permissions,
  ): { readonly token: string; readonly expiresAt: number };
};

const TOKEN_LIFE_MS = 60 * 60 * 1_000;
const JWT_LIFE_S = 600;
const CLOCK_DRIFT_S = 60;

export function createAppAuth(deps: {
  readonly world: World;
  readonly appId: number;
  readonly publicKey: KeyObject;
  readonly now: () => number;
  readonly rejectRepeatedJwt: boolean;
}): AppAuth {
  const tokens = new Map<
    string,
    { installation: Installation; permissions: Permissions; expiresAt: number }
  >();
  const seenJwts = new Set<string>();

  return {
    app(authorization) {
      const jwt = bearer(authorization);
      const claims = jwt === undefined ? undefined : decode(jwt, deps.publicKey);
      if (claims === undefined) throw new ApiError(401, "A JSON web token could not be decoded");
      const fault = claimFault(claims, deps.now() / 1_000);
      if (fault !== undefined) throw new ApiError(401, fault);
      if (String(claims["iss"]) !== String(deps.appId)) throw new ApiError(404, "Integration not found");
      return { type: "app" };
    },
    person(authorization) {
      const personal = deps.world.personalTokens.get(bearer(authorization) ?? "");
      return personal && { type: "person", personal };
    },
    installation(authorization) {
      const given = bearer(authorization);
      const token = given === undefined ? undefined : tokens.get(given);
      const installation = token && deps.world.installation(token.installation.id);
      if (token === undefined || installation === undefined || token.expiresAt <= deps.now())
        throw new ApiError(401, "Bad credentials");
      if (installation.suspendedAt !== undefined)
        throw new ApiError(403, "This installation has been suspended");
      return { type: "installation", installation, permissions: token.permissions };
    },
    refuseRepeated(authorization) {
      const jwt = bearer(authorization) ?? "";
      // Reported for clients that sign twice in one second: github-aws-runners/terraform-aws-github-runner#5025.
      if (deps.rejectRepeatedJwt && seenJwts.has(jwt)) throw new ApiError(404, "Not Found");
      seenJwts.add(jwt);
    },
    mint(installation, permissions) {
      const expiresAt = deps.now() + TOKEN_LIFE_MS;
      // The form since 2026-05: ghs_<app id>_<JWT>, about 520 characters with two dots.
      const token = `ghs_${deps.appId}_${secret(27)}.${secret(84)}.${secret(256)}`;
      tokens.set(token, { installation, permissions, expiresAt });
      return { token, expiresAt };
    },
  };
}

function bearer(authorization: string | undefined): string | undefined {
  return /^(?:bearer|token) (\S+)$/i.exec(authorization ?? "")?.[1];
}

function decode(jwt: string, publicKey: KeyObject): Record<string, unknown> | undefined {
  const [header, payload, signature] = jwt.split(".");
  if (header === undefined || payload === undefined || signature === undefined) return undefined;
  const signed = Buffer.from(`${header}.${payload}`);
  if (!verify("RSA-SHA256", signed, publicKey, Buffer.from(signature, "base64url"))) return undefined;
  const { alg } = parsed(header);
  return alg === "RS256" ? parsed(payload) : undefined;
}

function parsed(part: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(part, "base64url").toString("utf8")) as Record<string, unknown>;
}

/** The sentences are GitHub's: @octokit/auth-app looks for them to correct its clock. */
function claimFault({ iat, exp }: Record<string, unknown>, nowS: number): string | undefined {
  if (typeof exp !== "number" || exp <= nowS)
    return "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires";
  if (typeof iat !== "number" || iat > nowS + CLOCK_DRIFT_S)
    return "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued";
  if (exp - iat > JWT_LIFE_S) return "'Expiration time' claim ('exp') is too far in the future";
  return undefined;
}
