// An endpoint is a named kind of worker; a pattern stands for one endpoint per allowed card count.
import type { EndpointName, PoolName } from "../ids.ts";
import { endpointName } from "../ids.ts";
import type { Architecture } from "./labels.ts";
import { distinct } from "./labels.ts";

/** How a worker registers its runner; `auto` is decided by `registrationFor`. */
type Registration = "token" | "jit" | "auto";
/** Who starts a worker: a queued workflow job, or only an explicit `/run`. */
type StartedBy = "webhook" | "api";

export type EndpointLimits = {
  /** From the first step to the end; GitHub itself stops a job after 5 days. */
  readonly executionMs: number;
  /** From `Listening for Jobs` to the first job; a runner that idles longer is asked to drain. */
  readonly idleMs: number;
  /** How long a program stays without a job. It ends sooner where a job waits for its place (dispatch/make-way.ts). */
  readonly warmMs: number;
  /** From the pool's "started" to the worker's first call: image pull and boot. */
  readonly bootMs: number;
};

/** One entry of `endpoints:` in dispatch.yaml, parsed. `name` may hold `{npus}`, filled with each of `counts`. */
export type EndpointTemplate = {
  readonly name: string;
  /** The label that only this endpoint has; a job must ask for it. May hold `{npus}`. */
  readonly selector: string;
  /** Further labels its runners carry. */
  readonly labels: readonly string[];
  readonly pool: PoolName;
  /** Cards of one worker; undefined for a pattern, whose count is `{npus}`. */
  readonly cards: number | undefined;
  /** Allowed counts of a pattern, else empty. */
  readonly counts: readonly number[];
  readonly startedBy: StartedBy;
  readonly registration: Registration;
  /** Whether config.sh adds `self-hosted`, OS and architecture. Off unless asked: they invite strangers' jobs. */
  readonly defaultLabels: boolean;
  /** Of its pool's machines; absent where nobody has said so. */
  readonly architecture?: Architecture | undefined;
  readonly image: string | undefined;
  readonly command: readonly string[] | undefined;
  /** Beside the variables of its pool, and before them; absent: none. */
  readonly env?: { readonly [name: string]: string };
  /** The dispatcher's variable by the program's; absent: none. The secrets themselves are in no configuration. */
  readonly secrets?: { readonly [name: string]: string };
  /** Beside those of its pool; absent: none. */
  readonly capabilities?: readonly string[];
  /** Patterns of images to which its workers' container is equal: jobs with such a `container:` run in it. */
  readonly containerImages: readonly string[];
  readonly limits: EndpointLimits;
};

/** A concrete endpoint: a template with its card count filled in. */
export type Endpoint = Omit<EndpointTemplate, "name" | "cards" | "counts"> & {
  readonly name: EndpointName;
  readonly cards: number;
  readonly template: string;
};

export const NPUS = "{npus}";

export function isPattern(template: EndpointTemplate): boolean {
  return template.name.includes(NPUS);
}

/** Every concrete endpoint of a template, in the order of its counts. */
export function expandEndpoint(template: EndpointTemplate): Endpoint[] {
  if (!isPattern(template)) return [concrete(template, template.cards ?? 0)];
  return template.counts.map((count) => concrete(template, count));
}

function concrete(template: EndpointTemplate, cards: number): Endpoint {
  const fill = (text: string) => text.replaceAll(NPUS, String(cards));
  const { counts: _counts, ...rest } = template;
  return {
    ...rest,
    name: endpointName(fill(template.name)),
    selector: fill(template.selector),
    labels: template.labels.map(fill),
    cards,
    template: template.name,
  };
}

/**
 * The labels a runner of this endpoint is registered with: its selector first. A just-in-time runner gets only what is
 * sent, so those that config.sh adds are named here too; the architecture's where it is known.
 */
export function runnerLabels(endpoint: Endpoint): string[] {
  const { selector, labels, defaultLabels, architecture } = endpoint;
  const defaults = defaultLabels ? ["self-hosted", "linux", ...(architecture ? [architecture] : [])] : [];
  return distinct([selector, ...labels, ...defaults]);
}
