// The device files in sight, before any program of the driver is asked.
import { access, readdir } from "node:fs/promises";
import { join } from "node:path";
import type { GivenCards } from "./given-cards.ts";
import { unclear } from "./judge-cards.ts";
import { fail, type PreflightResult } from "./preflight-verdict.ts";

/** How wide the view is: whether more cards are in sight than were given. Undefined: nobody can say. */
export type Sight = { readonly isWide: boolean | undefined };

export async function seeDevices(deviceDir: string, { kind, count }: GivenCards): Promise<Sight> {
  if (kind === "simulated") return { isWide: undefined };
  const numbers = await deviceNumbers(deviceDir, kind);
  return { isWide: numbers.length === 0 ? undefined : numbers.length > count };
}

/** Whether what was given is there, by the files of an NPU's driver. */
export async function checkDevices(deviceDir: string, given: GivenCards): Promise<PreflightResult> {
  try {
    await access(join(deviceDir, "davinci_manager"));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return fail(
      "E_NO_DEVICE",
      `No NPU driver in this container (${reason}). Check the pool's device settings.`,
    );
  }
  return judgeNumbers(await deviceNumbers(deviceDir, "npu"), given, deviceDir);
}

function judgeNumbers(numbers: readonly string[], given: GivenCards, deviceDir: string): PreflightResult {
  const { count, names, places, isShared } = given;
  const files = numbers.map((number) => `davinci${number}`).join(", ") || "none";
  const seen = `${deviceDir} has ${numbers.length} NPU devices (${files})`;
  // A share may have a file of another number than the card that it is a part of.
  const isNamed = names !== undefined && !isShared && numbers.length > 0;
  const missing = isNamed ? names.filter((name) => !numbers.includes(name)) : [];
  if (missing.length > 0) {
    const gone = missing.map((name) => `davinci${name}`).join(", ");
    const message = `${seen}, and not ${gone}, which the worker was given. If that card is lost, check it on its host.`;
    return fail("E_NO_DEVICE", message, missing);
  }
  const isEnough = isShared ? numbers.length > 0 : numbers.length === count;
  if (isNamed || isEnough || places?.every((place) => place < numbers.length)) return { ok: true };
  const advice = numbers.length > count ? unclear(given.kind) : ". Check the pool's device settings.";
  return fail("E_NO_DEVICE", `${seen}, the job needs ${count}${advice}`);
}

const DEVICE_FILE = { npu: /^davinci(\d+)$/, gpu: /^nvidia(\d+)$/ };

async function deviceNumbers(deviceDir: string, kind: "npu" | "gpu"): Promise<string[]> {
  const numbers = (await readdir(deviceDir)).flatMap((name) => DEVICE_FILE[kind].exec(name)?.[1] ?? []);
  return numbers.sort((one, other) => Number(one) - Number(other));
}
