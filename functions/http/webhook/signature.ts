// Is this body from GitHub? Over the raw body, in constant time, with two secrets while one is being replaced.
import { Webhooks } from "@octokit/webhooks";
import type { Redacted } from "../../../shared/redacted.ts";
import { reveal } from "../../../shared/redacted.ts";

export type SignatureCheck = "valid" | "missing" | "wrong";

/** The library throws for an empty header or body, which would be a 500: those are `missing`. */
export function createSignatureCheck(
  secret: Redacted,
  previous?: Redacted,
): (body: string, header: string | undefined) => Promise<SignatureCheck> {
  const secrets = previous === undefined ? [secret] : [secret, previous];
  const verifiers = secrets.map((one) => new Webhooks({ secret: reveal(one) }));
  return async function checkSignature(body, header) {
    if (header === undefined || header === "" || body === "") return "missing";
    for (const verifier of verifiers) {
      if (await verifier.verify(body, header)) return "valid";
    }
    return "wrong";
  };
}
