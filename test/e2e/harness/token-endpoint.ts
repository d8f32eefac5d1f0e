// Where a job with `id-token: write` asks GitHub for its OIDC token, and the variables that say so.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { OidcIssuer } from "../../fakes/oidc-issuer.ts";

export type TokenEndpoint = {
  /** For the environment of a step. */
  readonly env: { readonly [name: string]: string };
  dispose(): Promise<void>;
};

/** Tokens of the issuer with these claims, for whatever audience is asked. */
export async function startTokenEndpoint(
  issuer: OidcIssuer,
  claims: { readonly [claim: string]: string },
): Promise<TokenEndpoint> {
  const server = createServer((request, response) => {
    const audience = new URL(request.url ?? "", "http://d").searchParams.get("audience") ?? "";
    issuer.sign(Date.now(), { claims, audience }).then(
      (value) => response.end(JSON.stringify({ value })),
      (error: Error) => response.destroy(error),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const env = {
    ACTIONS_ID_TOKEN_REQUEST_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/?api-version=2`,
    ACTIONS_ID_TOKEN_REQUEST_TOKEN: "request-token",
  };
  return {
    env,
    async dispose() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
