// What `npm run demo` takes. It imports nothing that runs: a wrong option is told at once.
import { stopWith } from "../complaint.ts";
import { parseOptions, wholeNumber } from "../parse-options.ts";

const DEMO_POOLS = ["local", "docker", "kubernetes"] as const;
export type DemoPoolKind = (typeof DEMO_POOLS)[number];

/** As many as one NPU server has at most. */
const MOST_CARDS = 64;
/** Of the labels in the demo's dispatch.yaml. */
const CARD_COUNTS = [1, 2, 4, 8];

export type DemoOptions = ReturnType<typeof demoOptions>;

/** Ends the script where they cannot be meant. */
export function demoOptions() {
  const values = parseOptions({
    jobs: { type: "string" },
    json: { type: "boolean", default: false },
    store: { type: "string", default: "sqlite" },
    pool: { type: "string", default: "local" },
    image: { type: "string" },
    "host-cards": { type: "string" },
    lambda: { type: "boolean", default: false },
    api: { type: "boolean", default: false },
    log: { type: "boolean", default: false },
  });
  const { json, image, lambda, api, log } = values;
  const hostCards = hostCardsOf(values["host-cards"]);
  // On a host with cards, a job of each count that it has.
  const counts = hostCards === undefined ? [1] : CARD_COUNTS.filter((cards) => cards <= hostCards);
  const count = wholeNumber("jobs", values.jobs ?? String(counts.length));
  const store = oneOf("store", ["sqlite", "dynamodb"], values.store);
  const pool = oneOf("pool", DEMO_POOLS, values.pool);
  const options = { json, image, lambda, api, log, hostCards, counts, count, store, pool };
  const objection = objectionTo(options);
  return objection === undefined ? options : stopWith(objection);
}

type Combined = {
  readonly image: string | undefined;
  readonly lambda: boolean;
  readonly api: boolean;
  readonly hostCards: number | undefined;
  readonly store: string;
  readonly pool: string;
};

function objectionTo({ image, lambda, api, hostCards, store, pool }: Combined): string | undefined {
  const isPlain = !lambda && pool === "local";
  if (pool === "docker" && image === undefined)
    return "--pool docker needs --image: build one with npm run image";
  if (api && !(isPlain && hostCards === undefined && store === "sqlite"))
    return "--api goes with --jobs, --json and --log alone";
  if (lambda && pool !== "local") return "--lambda runs its workers as processes";
  if (hostCards !== undefined && !isPlain)
    return "--host-cards pretends that this machine has cards: for the local pool, without --lambda";
  return undefined;
}

function hostCardsOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const cards = Number(text);
  if (Number.isInteger(cards) && cards >= 1 && cards <= MOST_CARDS) return cards;
  return stopWith(`--host-cards takes a whole number from 1 to ${MOST_CARDS}`);
}

function oneOf<const T extends string>(name: string, all: readonly T[], text: string): T {
  const found = all.find((one) => one === text);
  return found ?? stopWith(`--${name} takes ${all.slice(0, -1).join(", ")} or ${all.at(-1)}`);
}
