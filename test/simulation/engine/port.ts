// One method of a port of the simulated world, with what it is to the process that calls it.
/** A process, from its start to its end. */
export type Life = {
  isOver: boolean;
  /** Told before each wait of one of its calls. */
  readonly onWait: () => void;
  /** Told of each answer of the store. */
  onAnswer: (() => void) | undefined;
};

export type Kind = "read" | "listing" | "write" | "replace" | "far" | "look";
export type Method = (...args: readonly unknown[]) => unknown;
export type Port = {
  readonly kind: Kind;
  /** With its store's, for people. */
  readonly name: string;
  readonly call: string;
  /** The fault that lets its calls run into their time limit. */
  readonly slow: "pool-slow" | "github-slow" | undefined;
  readonly method: Method;
  readonly overtake: Method | undefined;
};

const KINDS: { readonly [method: string]: Kind | undefined } = {
  get: "read",
  heads: "listing",
  unpaired: "listing",
  live: "listing",
  liveIds: "listing",
  list: "listing",
  due: "listing",
  open: "listing",
  replace: "replace",
};
const SLOW: { readonly [store: string]: Port["slow"] } = { pool: "pool-slow", github: "github-slow" };
/** By the stores that they belong to. */
export function portsIn(cores: { readonly [name: string]: object }): (readonly [string, readonly Port[]])[] {
  return Object.entries(cores).map(
    ([name, core]) => [name, portsOf(name, core, (method) => KINDS[method] ?? "write")] as const,
  );
}

export function portsOf(store: string, core: object, kindOf: (method: string) => Kind): Port[] {
  const { overtake } = core as { overtake?: Method };
  return Object.entries(core).flatMap(([call, method]) =>
    typeof method === "function"
      ? [{ kind: kindOf(call), name: `${store}.${call}`, call, slow: SLOW[store], method, overtake }]
      : [],
  );
}

/** A process that has ended hears no answer. */
export function never(): Promise<never> {
  return new Promise(() => {});
}
