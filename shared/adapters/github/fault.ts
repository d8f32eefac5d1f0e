// Turns GitHub's refusals into GithubError: which fault, in words for people, with the next step and without a secret.
import { GithubError, type GithubFault } from "../../ports/github.ts";
import { scrub } from "../log/scrub.ts";
import { nextStep } from "./next-step.ts";
import type { CallWords, FaultContext, Refusal } from "./refusal.ts";
import { limitWait, retryAfterOf } from "./retry-after.ts";

/** `ownStatus: false` when what GitHub refused is the token for the call: a 404 then says nothing of the call's target. */
export function refused(
  refusal: Refusal,
  context: FaultContext,
  { ownStatus }: { readonly ownStatus: boolean },
): GithubError {
  const fault = faultOf(refusal);
  const limited = fault === "rate-limited";
  const retryAfterMs = (limited ? limitWait : retryAfterOf)(refusal.headers, context.now);
  const { purpose, target } = context.call;
  const message = [
    `GitHub refused to ${purpose} for ${target} (${refusal.status}${quoted(refusal.text)}).`,
    nextStep(fault, refusal, context, retryAfterMs),
  ].join(" ");
  return new GithubError(message, {
    fault,
    ...(ownStatus && { status: refusal.status }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  });
}

/** No answer at all, or one that is not GitHub's. */
export function unreachable(reason: string, url: string, call: CallWords, cause: unknown): GithubError {
  return new GithubError(
    `GitHub could not be asked to ${call.purpose} for ${call.target}: ${clean(reason)} (${clean(url)}). If it lasts, check this machine's network, HTTPS_PROXY and https://www.githubstatus.com.`,
    { fault: "unavailable", cause },
  );
}

function faultOf(refusal: Refusal): GithubFault {
  const { status, text } = refusal;
  if (status >= 500 || status === 408) return "unavailable";
  if (status === 429) return "rate-limited";
  if (status === 403) return faultOf403(refusal);
  if (status === 401) return "unauthorized";
  // 410: Actions or the repository is gone; 451: taken down.
  if (status === 404 || status === 410 || status === 451) return "not-found";
  if (status === 409 || /already exists/i.test(text)) return "conflict";
  return "invalid";
}

/** GitHub uses 403 for permissions, both kinds of limits and suspended installations; only the text and headers tell. */
function faultOf403({ text, headers }: Refusal): GithubFault {
  if (/suspended/i.test(text)) return "suspended";
  const limited = /rate limit|abuse detection/i.test(text) || headers["retry-after"] !== undefined;
  return limited || headers["x-ratelimit-remaining"] === "0" ? "rate-limited" : "forbidden";
}

const MAX_TEXT = 300;

function quoted(text: string): string {
  const said = clean(text);
  return said === "" ? "" : `: ${said}`;
}

/** GitHub's text is someone else's: masked, on one line, short, and no page of HTML (a proxy's). */
function clean(text: string): string {
  if (/^\s*</.test(text)) return "an HTML page, perhaps from a proxy";
  const line = scrub(text).replace(/\s+/g, " ").trim();
  return line.length <= MAX_TEXT ? line : `${line.slice(0, MAX_TEXT)}…`;
}
