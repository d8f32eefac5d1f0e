// GitHub's OIDC issuer as a server on 127.0.0.1: publishes its keys, signs tokens, can be made to fail.
import type { Server } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { JWTPayload } from "jose";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { OWNER, REPOSITORY } from "../domain/builders.ts";

export type OidcIssuer = {
  readonly url: string;
  /** Times that its keys were asked for. */
  readonly asked: () => number;
  /** While true it answers 500. */
  broken: boolean;
  /** A token issued at `at`, ms; `undefined` removes a claim. */
  sign(at: number, changes?: TokenChanges): Promise<string>;
  /** Keys from now on are others, under another id. */
  rotate(): Promise<void>;
  close(): Promise<void>;
};

export type TokenChanges = {
  readonly claims?: { readonly [claim: string]: unknown };
  readonly audience?: string;
  readonly issuer?: string;
  readonly ageMs?: number;
  /** Signed with a key that the issuer does not publish, under a published id. */
  readonly forged?: boolean;
};

export const AUDIENCE = "https://dispatch.example.org";
/** GitHub's tokens live 5 minutes. */
const LIFE_S = 300;

export async function startOidcIssuer(): Promise<OidcIssuer> {
  let number = 0;
  let keys = await newKeys();
  const stranger = await newKeys();
  let asked = 0;
  const server = createServer((request, response) => {
    asked += 1;
    const found = request.url === "/.well-known/jwks" && !issuer.broken;
    response.writeHead(found ? 200 : 500, { "content-type": "application/json" });
    response.end(found ? JSON.stringify({ keys: [keys.jwk] }) : "{}");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const issuer: OidcIssuer = {
    url,
    asked: () => asked,
    broken: false,
    async sign(at, { claims = {}, audience = AUDIENCE, issuer: iss = url, ageMs = 0, forged = false } = {}) {
      const issuedAt = Math.floor((at - ageMs) / 1_000);
      const payload: JWTPayload = {
        iss,
        aud: audience,
        iat: issuedAt,
        nbf: issuedAt,
        exp: issuedAt + LIFE_S,
        ...runClaims(++number),
        ...claims,
      };
      const { privateKey } = forged ? stranger : keys;
      return await new SignJWT(payload)
        .setProtectedHeader({ alg: "RS256", kid: keys.jwk.kid, typ: "JWT" })
        .sign(privateKey);
    },
    async rotate() {
      keys = await newKeys();
    },
    close: () => closeServer(server),
  };
  return issuer;

  async function newKeys() {
    const pair = await generateKeyPair("RS256", { extractable: true });
    const kid = `key-${++number}`;
    return { ...pair, jwk: { ...(await exportJWK(pair.publicKey)), kid, alg: "RS256", use: "sig" } };
  }
}

/** As in a token of a real workflow run, ids as texts. */
function runClaims(number: number): JWTPayload {
  return {
    jti: `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`,
    sub: `repo:${OWNER.login}/${REPOSITORY.name}:ref:refs/heads/main`,
    repository: `${OWNER.login}/${REPOSITORY.name}`,
    repository_id: String(REPOSITORY.id),
    repository_owner: OWNER.login,
    repository_owner_id: String(OWNER.id),
    run_id: "7001",
    run_number: "12",
    run_attempt: "1",
    event_name: "push",
    runner_environment: "github-hosted",
  };
}

function closeServer(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeAllConnections();
  return closed;
}
