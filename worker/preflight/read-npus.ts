// One reading of the NPUs by `npu-smi info`.

import type { RunProgram } from "../process/run-program.ts";
import { parseNpuError, parseNpuTable } from "./npu-smi.ts";
import { fail, judgeNpus, PROGRAM_MS, type PreflightResult } from "./preflight-verdict.ts";

/** "The device is used": another mount namespace holds the card. */
const DEVICE_USED = -8020;

/** Simulated cards need no npu-smi; but one that a pool puts into the PATH must agree with them. */
export async function readNpus(
  run: RunProgram,
  cards: number,
  simulated: boolean,
  signal?: AbortSignal,
): Promise<PreflightResult> {
  const shown = await run("npu-smi", ["info"], PROGRAM_MS, signal);
  switch (shown.type) {
    case "timeout":
      return fail("E_HANG", "npu-smi did not return within 20 s. A card of this host is likely wedged.");
    case "missing":
      if (simulated) return { ok: true };
      return fail("E_DRIVER", "npu-smi is not in the PATH. Mount the driver's programs into the container.");
    case "exited": {
      const error = parseNpuError(shown.output);
      if (error === DEVICE_USED)
        return fail("E_BUSY", "Another container holds a card of this worker (-8020).");
      if (error !== undefined)
        return fail("E_DRIVER", `npu-smi failed with error ${error}. Check the driver.`);
      if (shown.code === 0) return judgeNpus(parseNpuTable(shown.output), cards);
      return fail("E_DRIVER", `npu-smi failed with exit code ${shown.code}. Check the driver.`);
    }
  }
}
