// What a person can do about a fault of GitHub's, as one sentence or two.
import type { GithubFault } from "../../ports/github.ts";
import type { FaultContext, Refusal } from "./refusal.ts";
import { timeOf } from "./retry-after.ts";

export function nextStep(
  fault: GithubFault,
  refusal: Refusal,
  context: FaultContext,
  retryAfterMs: number | undefined,
): string {
  if (typeof refusal.as === "object") {
    const own = nextStepWithToken(fault, refusal, context);
    if (own !== undefined) return own;
  }
  switch (fault) {
    case "unauthorized":
      return unauthorized(refusal, context);
    case "forbidden":
      return forbidden(refusal, context);
    case "not-found":
      return `Either it does not exist, or the App is not installed there or lacks the permission "${context.call.permission}".`;
    case "conflict":
      return "Something of that name exists already; use another name or delete it.";
    case "invalid":
      return "The request does not fit; check labels, names and runner group in dispatch.yaml.";
    case "rate-limited":
      return `Try again in ${Math.ceil((retryAfterMs ?? 0) / 1_000)} s.`;
    case "suspended":
      return "An owner has suspended the App's installation; unsuspend it in the settings under GitHub Apps.";
    case "unavailable":
      return "This is GitHub's fault and passes; see https://www.githubstatus.com if it lasts.";
  }
}

const TOKEN_NEEDS =
  "for an organization's runners a classic token needs the scope admin:org and a fine-grained one Self-hosted runners, read and write, of the organization; for a repository's the scope repo, or Administration, read and write";

/** A personal access token is its owner's matter, not the App's; undefined where that makes no difference. */
function nextStepWithToken(
  fault: GithubFault,
  { text }: Refusal,
  { call }: FaultContext,
): string | undefined {
  if (fault === "unauthorized") {
    return "GitHub does not know the personal access token: it is wrong, expired or revoked. Create a new one and send it as github_pat.";
  }
  if (fault === "not-found") {
    return `Either ${call.target} does not exist, or the personal access token may not see it: ${TOKEN_NEEDS}.`;
  }
  if (fault !== "forbidden" || /ip address|ip allow list|disabled/i.test(text)) return undefined;
  if (/saml/i.test(text)) {
    return "The organization uses SAML single sign-on: authorize the personal access token for it (Configure SSO, beside the token in its owner's settings).";
  }
  return `The personal access token may not do that: ${TOKEN_NEEDS}. Its owner must be an administrator there.`;
}

/** JWTs are valid for minutes, so a wrong clock looks like a wrong key. */
const CLOCK_TOLERANCE_MS = 30_000;

function unauthorized({ as, headers }: Refusal, { appId, now }: FaultContext): string {
  if (as !== "app")
    return "Its installation token was not accepted, though it is new. Was the App just removed?";
  const skewMs = (timeOf(headers.date) ?? now) - now;
  if (Math.abs(skewMs) > CLOCK_TOLERANCE_MS) {
    const direction = skewMs > 0 ? "behind" : "ahead of";
    return `This machine's clock is ${Math.round(Math.abs(skewMs) / 1_000)} s ${direction} GitHub's; set it (NTP).`;
  }
  return `Check that GITHUB_APP_PRIVATE_KEY is a current key of the App ${appId} (GITHUB_APP_ID).`;
}

function forbidden({ text, headers }: Refusal, { call }: FaultContext): string {
  if (/ip address|ip allow list/i.test(text)) {
    return "The organization's IP allow list does not have this dispatcher's address; add it under the organization's settings, Authentication security.";
  }
  if (/disabled/i.test(text)) {
    return "Self-hosted runners or Actions are switched off there; switch them on in the settings under Actions, or register at the organization (`level: organization`).";
  }
  const accepted = headers["x-accepted-github-permissions"];
  const names = accepted ? ` (GitHub asks for ${String(accepted).slice(0, 200)})` : "";
  return `The App lacks the permission "${call.permission}"${names}: add it in the App's settings, then have an owner accept it for the installation.`;
}
