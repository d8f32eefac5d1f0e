// One reading of the GPUs by nvidia-smi.
import { missingLibrary } from "../../shared/domain/missing-library.ts";
import type { RunProgram } from "../process/run-program.ts";
import type { GivenCards } from "./given-cards.ts";
import { judgeSelection, type ShownCard } from "./judge-cards.ts";
import type { Sight } from "./look-at-devices.ts";
import { fail, lacking, PROGRAM_MS, type PreflightResult } from "./preflight-verdict.ts";
import { quoted } from "./quote.ts";
import { type Selection, selectCards } from "./select-cards.ts";

/** The temperature is asked for as its health: one that must be reset still shows its memory, and this no more. */
const COLUMNS = "index,memory.used,memory.total,uuid,temperature.gpu";
const QUERY = [`--query-gpu=${COLUMNS}`, "--format=csv,noheader,nounits"];

export async function readGpus(
  run: RunProgram,
  given: GivenCards,
  sight: Sight,
  signal?: AbortSignal,
): Promise<PreflightResult> {
  const own = sight.isWide === true ? ownIds(given) : undefined;
  // A GPU of somebody else that has fallen off its bus would be this whole answer.
  const args = own === undefined ? QUERY : [...QUERY, `--id=${own.join()}`];
  const shown = await run("nvidia-smi", args, PROGRAM_MS, signal);
  // What is said of more cards than its own blames none of them.
  const blamed = sight.isWide === true && own === undefined ? [] : undefined;
  switch (shown.type) {
    case "timeout":
      return fail(
        "E_HANG",
        "nvidia-smi did not return within 20 s. A GPU of this host is likely wedged.",
        sight.isWide === true ? [] : undefined,
      );
    case "missing":
      return fail("E_NO_DEVICE", "nvidia-smi is not in the PATH: the GPU driver is not in this container.");
    case "exited": {
      if (shown.code === 0) return judgeGpus(shown.output, given, { ...sight, isOwn: own !== undefined });
      const library = missingLibrary(shown.output);
      if (library !== undefined) return lacking(libraryText(library));
      const words = quoted(shown.output);
      const message = `nvidia-smi failed with exit code ${shown.code}${words}. Check the driver and its GPU.`;
      return fail("E_DRIVER", message, blamed);
    }
  }
}

function libraryText(library: string): string {
  return `nvidia-smi lacks the shared library ${library}. The NVIDIA Container Toolkit of the host mounts the driver's libraries: the image's NVIDIA_DRIVER_CAPABILITIES must have utility.`;
}

/** As nvidia-smi takes them: UUIDs, or numbers by which it counts itself. */
function ownIds({ names, places }: GivenCards): readonly string[] | undefined {
  const isByUuid = names?.some((name) => name.startsWith("GPU-"));
  return isByUuid ? names : (places?.map(String) ?? names);
}

/** `isOwn`: only its own were asked for. */
function judgeGpus(output: string, given: GivenCards, view: Sight & { isOwn: boolean }): PreflightResult {
  const { count } = given;
  const lines = parseLines(output);
  const isNarrow = view.isWide !== true && lines.length <= count;
  const gpus = lines.map((line, at) => shownGpu(line, isNarrow ? nameInHost(line, at, given) : line.index));
  const isWhole = gpus.length === count;
  const selection = isWhole && view.isOwn ? found(gpus) : selectCards(gpus, given, { ...view, isWhole });
  const seen = `nvidia-smi shows ${gpus.length} GPUs${gpus.length < count ? quoted(output) : ""}`;
  return judgeSelection(selection, given, seen);
}

function found(cards: readonly Gpu[]): Selection<Gpu> {
  return { type: "found", cards };
}

type Gpu = ShownCard & { readonly ids: readonly string[] };
type Line = {
  readonly index: string;
  readonly used: string;
  readonly total: string;
  readonly uuid: string | undefined;
  readonly temperature: string | undefined;
};

/** `0, 412, 24564, GPU-1f…, 31` per line. Other lines are its words. */
function parseLines(output: string): Line[] {
  return output.split("\n").flatMap((text) => {
    const [index = "", used, total, uuid, temperature] = text.split(",").map((field) => field.trim());
    if (!/^\d{1,6}$/.test(index) || used === undefined || total === undefined) return [];
    return [{ index, used, total, uuid, temperature }];
  });
}

/**
 * In a container the first is 0 whatever its host calls it. The runtime gives them in the host's order, not in that of the
 * list.
 */
function nameInHost({ uuid }: Line, at: number, { names = [], count }: GivenCards): string | undefined {
  const numbers = names
    .filter((name) => /^\d+$/.test(name))
    .sort((one, other) => Number(one) - Number(other));
  return numbers.length === count ? numbers[at] : uuid;
}

function shownGpu(line: Line, card: string | undefined): Gpu {
  const { index, uuid } = line;
  const ids = uuid === undefined ? [index] : [index, uuid];
  const isNumber = card !== undefined && /^\d+$/.test(card);
  const name = isNumber ? `GPU ${card}` : `GPU ${index}${card === undefined ? "" : ` (${card})`}`;
  return { name, card, ids, ill: faultOf(line), memory: memoryOf(line), pids: [] };
}

/** What nvidia-smi writes where a GPU has no such counter, which is no fault: GB10 and vGPUs do not tell their memory. */
const NOT_TOLD = /^\[?(?:N\/A|Not Supported)\]?$/i;
const NUMBER = /^\d{1,12}(?:\.\d{1,6})?$/;

/** `[Unknown Error]`, `[GPU is lost]`, `[GPU requires reset]`, `ERR!`: what cannot be read is not well. */
function faultOf({ used, total, temperature }: Line): string | undefined {
  const fields = [used, total, temperature].filter((field) => field !== undefined);
  const odd = fields.filter((field) => !NUMBER.test(field) && !NOT_TOLD.test(field));
  const isMute = temperature !== undefined && fields.every((field) => NOT_TOLD.test(field));
  if (odd.length === 0 && !isMute) return undefined;
  return `cannot be read ("${(isMute ? fields : [...new Set(odd)]).join(", ")}")`;
}

function memoryOf({ used, total }: Line): ShownCard["memory"] {
  return NUMBER.test(used) && NUMBER.test(total)
    ? { usedMb: Number(used), totalMb: Number(total) }
    : undefined;
}
