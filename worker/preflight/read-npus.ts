// One reading of the NPUs by `npu-smi info`.
import { missingLibrary } from "../../shared/domain/missing-library.ts";
import type { ProgramResult, RunProgram } from "../process/run-program.ts";
import type { GivenCards } from "./given-cards.ts";
import { judgeSelection, type ShownCard } from "./judge-cards.ts";
import type { Sight } from "./look-at-devices.ts";
import { type NpuTable, parseNpuError, parseNpuTable } from "./npu-smi.ts";
import { fail, lacking, PROGRAM_MS, type PreflightResult } from "./preflight-verdict.ts";
import { quoted } from "./quote.ts";
import { selectCards } from "./select-cards.ts";

/** "The device is used": another mount namespace holds the card. */
const DEVICE_USED = -8020;
/** Warning is the driver's word for what does not keep a card from its work. */
const WELL: ReadonlySet<string> = new Set(["OK", "Warning"]);

/** Simulated cards need no npu-smi; but one that a pool puts into the PATH must agree with them. */
export async function readNpus(
  run: RunProgram,
  given: GivenCards,
  sight: Sight,
  signal?: AbortSignal,
): Promise<PreflightResult> {
  const shown = await run("npu-smi", ["info"], PROGRAM_MS, signal);
  // One answer for all cards in sight: where those are more than its own, it blames none of them.
  const blamed = sight.isWide === true ? [] : undefined;
  switch (shown.type) {
    case "timeout":
      return fail(
        "E_HANG",
        "npu-smi did not return within 20 s. A card of this host is likely wedged.",
        blamed,
      );
    case "missing":
      if (given.kind === "simulated") return { ok: true };
      return lacking("npu-smi is not in the PATH. Mount the driver's programs into the container.");
    case "exited":
      return judgeExit(shown, given, sight, blamed);
  }
}

function judgeExit(
  { code, output }: Extract<ProgramResult, { type: "exited" }>,
  given: GivenCards,
  sight: Sight,
  blamed: readonly string[] | undefined,
): PreflightResult {
  const error = parseNpuError(output);
  if (error === DEVICE_USED) return busy(given, blamed);
  const words = quoted(output);
  const library = missingLibrary(output);
  if (library !== undefined && code !== 0) return lacking(libraryText(library, words));
  if (error !== undefined)
    return fail("E_DRIVER", `npu-smi failed with error ${error}${words}. Check the driver.`, blamed);
  if (code === 0) return judgeNpus(parseNpuTable(output), given, sight, output);
  return fail("E_DRIVER", `npu-smi failed with exit code ${code}${words}. Check the driver.`, blamed);
}

function libraryText(library: string, words: string): string {
  return `npu-smi lacks the shared library ${library}${words}. Mount the driver's libraries into the container (/usr/local/Ascend/driver/lib64), and name their folders in LD_LIBRARY_PATH.`;
}

function busy({ isShared }: GivenCards, blamed: readonly string[] | undefined): PreflightResult {
  if (isShared) {
    const advice = "To share it, allow that on its host: npu-smi set -t device-share";
    return fail("E_BUSY", `Another container holds the shared card of this worker (-8020). ${advice}.`, []);
  }
  return fail("E_BUSY", "Another container holds a card of this worker (-8020).", blamed);
}

/** `words`: what npu-smi printed, to be quoted where it shows no table. */
function judgeNpus(
  { chips, processes }: NpuTable,
  given: GivenCards,
  sight: Sight,
  words: string,
): PreflightResult {
  const { count } = given;
  const npus = new Set(chips.map(({ npu }) => npu)).size;
  const cards = chips.map((chip) => ({ ...shown(chip, processes), ids: [String(chip.card)] }));
  // An A3 NPU is two chips, and pools sell either.
  const selection = selectCards(cards, given, {
    ...sight,
    isWhole: chips.length === count || npus === count,
  });
  const seen = `npu-smi shows ${npus} NPUs with ${chips.length} chips${chips.length === 0 ? quoted(words) : ""}`;
  return judgeSelection(selection, given, seen);
}

function shown(chip: NpuTable["chips"][number], processes: NpuTable["processes"]): ShownCard {
  const { npu, card, name, health, memory, unread } = chip;
  const ill = !WELL.has(health)
    ? `(${name}) reports ${/^[A-Za-z]+$/.test(health) ? health : `"${health}"`}`
    : unread === undefined
      ? undefined
      : `(${name}) cannot be read ("${unread}")`;
  const own = processes.filter((process) => process.npu === npu && process.chip === chip.chip);
  const pids = own.map(({ pid }) => String(pid));
  return { name: `NPU ${npu} chip ${chip.chip}`, card: String(card), ill, memory, pids };
}
