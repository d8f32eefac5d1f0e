// The tables of docs/states.md, as the program's own words make them.
import { END_REASONS, endClass } from "../../shared/domain/job/end-reason.ts";
import type { WaitCode } from "../../shared/domain/waiting/wait-view.ts";
import { WAIT_CODES } from "../../shared/domain/waiting/wait-view.ts";
import { whyNotServed, whyWaiting } from "../../shared/domain/waiting/why-waiting.ts";
import { T0 } from "../domain/builders.ts";
import { WAIT_EXAMPLES } from "../domain/waiting/wait-examples.ts";

export function waitTable(): string {
  const rows = WAIT_CODES.map((code) => `| \`${code}\` | ${messageOf(code)} |`);
  return ["| code | for example |", "|---|---|", ...rows].join("\n");
}

function messageOf(code: WaitCode): string {
  if (code !== "labels-not-served") return whyWaiting(WAIT_EXAMPLES[code])?.message ?? "";
  return whyNotServed('no endpoint has "linux-arm64-npu1"; did you mean "linux-arm64-npu-1"?', T0).message;
}

/** A reason and its class in each row, in the list's order. */
export function endRows(): string[] {
  return END_REASONS.map((reason) => `| \`${reason}\` | ${endClass(reason)} |`);
}
