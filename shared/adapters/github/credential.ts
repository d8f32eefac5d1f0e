// As whom a call is made: the App itself, one of its installations, or the owner of a personal access token.
import { createHash } from "node:crypto";
import { GithubError } from "../../ports/github.ts";

/** The App signs with its JWT, an installation (its id) with a token of GitHub's, a person with a token of their own. */
export type Credential = "app" | number | PersonalToken;

export type PersonalToken = { readonly personalToken: string };

/** Throws GithubError `unauthorized` for a text that cannot be sent: the fault of undici would quote it. */
export function personalToken(text: string): PersonalToken {
  if (/^[\x21-\x7e]{1,255}$/.test(text)) return { personalToken: text };
  throw new GithubError(
    "The personal access token is not one: it must be one line of printable characters. Send it as GitHub showed it.",
    { fault: "unauthorized" },
  );
}

/** Equal for equal credentials, and no secret: a personal access token is named by its hash. */
export function credentialKey(as: Credential): string {
  if (typeof as !== "object") return String(as);
  return createHash("sha256").update(as.personalToken).digest("hex");
}
