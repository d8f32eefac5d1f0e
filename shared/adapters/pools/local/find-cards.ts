// Finds the cards of this host by their device files, or announces simulated ones where there are none.
import { readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import type { Cards } from "./worker-env.ts";

/** As many as a common NPU server has, so that every endpoint of a real pool also starts on a laptop. */
const SIMULATED_CARDS = 8;

const DEVICE_FILE = { npu: /^davinci(\d+)$/, gpu: /^nvidia(\d+)$/ };

/** `cards`: how many to use, the lowest device numbers first. Throws when some but not enough devices are there. */
export function findCards(kind: Cards["kind"], cards: number | "auto", devDir: string): Cards {
  if (cards !== "auto" && (!Number.isInteger(cards) || cards < 0)) {
    throw new Error(`cards must be "auto" or a whole number from 0 on, not ${cards}`);
  }
  if (kind === "cpu") {
    // Cores may be sold twice: a waiting job needs none.
    return { kind, devices: countUp(cards === "auto" ? availableParallelism() : cards), simulated: false };
  }
  const devices = deviceNumbers(DEVICE_FILE[kind], devDir);
  if (devices.length === 0) {
    const count = cards === "auto" ? SIMULATED_CARDS : cards;
    return { kind, devices: countUp(count), simulated: count > 0 };
  }
  if (cards !== "auto" && cards > devices.length) {
    throw new Error(
      `the pool is set to ${cards} cards, but ${devDir} has ${devices.length} ${kind} devices: lower "cards" or use "auto"`,
    );
  }
  return { kind, devices: cards === "auto" ? devices : devices.slice(0, cards), simulated: false };
}

function deviceNumbers(pattern: RegExp, devDir: string): number[] {
  return readdirSync(devDir)
    .flatMap((name) => pattern.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
}

function countUp(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}
