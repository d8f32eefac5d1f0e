// The operator's own check of the cards (PREFLIGHT_COMMAND), after ours: a tensor operation says more than any table.

import { missingLibrary } from "../../shared/domain/missing-library.ts";
import type { RunProgram } from "../process/run-program.ts";
import { fail, type PreflightResult } from "./preflight-verdict.ts";

export type ProbeResult =
  | PreflightResult
  | { readonly ok: false; readonly code: undefined; readonly message: string };

/** `import torch_npu` alone takes 10 to 30 s on a cold disk. */
const PROBE_MS = 60_000;
const LONGEST_WORDS = 200;

/** Its exit code 0 is well, every other one is the cards'. A command that is not there is nobody's card's fault. */
export async function runProbe(
  run: RunProgram,
  [program = "", ...args]: readonly string[],
  signal?: AbortSignal,
): Promise<ProbeResult> {
  const result = await run(program, args, PROBE_MS, signal);
  switch (result.type) {
    case "missing":
      return {
        ok: false,
        code: undefined,
        message: `PREFLIGHT_COMMAND names ${program}, which is not in this container or cannot be executed.`,
      };
    case "timeout":
      return fail("E_PROBE", `PREFLIGHT_COMMAND (${program}) did not return within ${PROBE_MS / 1_000} s.`);
    case "exited":
      if (result.code === 0) return { ok: true };
      return judge(program, result.code, result.output);
  }
}

/** What its container lacks is nobody's card's fault either. */
function judge(program: string, code: number | undefined, output: string): ProbeResult {
  const message = `PREFLIGHT_COMMAND (${program}) ended with ${code ?? "a signal"}${lastWords(output)}.`;
  const library = missingLibrary(output);
  if (library === undefined) return fail("E_PROBE", message);
  const advice = `It lacks the shared library ${library}: put it into the image or mount it, and name its folder in LD_LIBRARY_PATH.`;
  return { ok: false, code: undefined, message: `${message} ${advice}` };
}

function lastWords(output: string): string {
  const last = output.trimEnd().split("\n").at(-1)?.trim().slice(0, LONGEST_WORDS).replace(/\.$/, "");
  return last ? `: ${last}` : "";
}
