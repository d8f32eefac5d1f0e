// One reading of the GPUs by nvidia-smi.

import type { RunProgram } from "../process/run-program.ts";
import { type CardMemory, fail, judgeMemory, PROGRAM_MS, type PreflightResult } from "./preflight-verdict.ts";

const QUERY = ["--query-gpu=index,memory.used,memory.total", "--format=csv,noheader,nounits"];

export async function readGpus(
  run: RunProgram,
  cards: number,
  visible: string | undefined,
  signal?: AbortSignal,
): Promise<PreflightResult> {
  const shown = await run("nvidia-smi", QUERY, PROGRAM_MS, signal);
  switch (shown.type) {
    case "timeout":
      return fail("E_HANG", "nvidia-smi did not return within 20 s. A GPU of this host is likely wedged.");
    case "missing":
      return fail("E_NO_DEVICE", "nvidia-smi is not in the PATH: the GPU driver is not in this container.");
    case "exited": {
      if (shown.code !== 0)
        return fail("E_DRIVER", `nvidia-smi failed with exit code ${shown.code}. Check the driver.`);
      const gpus = parseGpus(shown.output, hostNumbers(visible, cards));
      if (gpus.length === cards) return judgeMemory(gpus);
      const seen = `nvidia-smi shows ${gpus.length} GPUs`;
      return fail("E_NO_DEVICE", `${seen}, the job needs ${cards}. Check the pool's device settings.`);
    }
  }
}

/** `0, 412, 24564` per line; `[N/A]` where a GPU does not tell. */
function parseGpus(text: string, numbers: readonly string[]): CardMemory[] {
  return [...text.matchAll(/^\s*(\d+)\s*,\s*([^,\n]+?)\s*,\s*([^,\n]+?)\s*$/gm)].map((match) => {
    const [usedMb, totalMb] = [Number(match[2]), Number(match[3])];
    const known = Number.isFinite(usedMb) && Number.isFinite(totalMb);
    return {
      name: `GPU ${match[1]}`,
      card: numbers[Number(match[1])],
      memory: known ? { usedMb, totalMb } : undefined,
    };
  });
}

/** `2,5`: in the container they are 0 and 1. By UUID, or `all`, the host's numbers are not known here. */
function hostNumbers(visible: string | undefined, cards: number): readonly string[] {
  const numbers = (visible ?? "").split(",").map((number) => number.trim());
  return numbers.length === cards && numbers.every((number) => /^\d+$/.test(number)) ? numbers : [];
}
