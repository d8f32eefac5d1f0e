// The secrets that the worker knows, kept out of its log and its report.
import { scrub } from "../shared/adapters/log/scrub.ts";

export type Secrets = {
  add(secret: string | undefined): void;
  /** For the log, which asks at every line. */
  values(): Iterable<string>;
  mask(text: string): string;
};

export function createSecrets(): Secrets {
  const known = new Set<string>();
  return {
    add(secret) {
      if (secret !== undefined) known.add(secret);
    },
    values: () => known,
    mask: (text) => scrub(text, known),
  };
}
