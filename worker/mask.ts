// Secrets that the worker knows, kept out of everything it writes.
import type { Log, LogFields } from "../shared/ports/log.ts";

export type Mask = { add(secret: string | undefined): void; apply(text: string): string };

/** Shorter strings would blank out ordinary words; no token of GitHub or of the dispatcher is that short. */
const SHORTEST = 6;

export function createMask(): Mask {
  const secrets = new Set<string>();
  return {
    add(secret) {
      if (secret !== undefined && secret.length >= SHORTEST) secrets.add(secret);
    },
    apply(text) {
      let masked = text;
      // Longest first: one secret may be a part of another.
      for (const secret of [...secrets].sort((a, b) => b.length - a.length)) {
        masked = masked.replaceAll(secret, "***");
      }
      return masked;
    },
  };
}

/** A log whose texts pass the mask. */
export function maskLog(log: Log, mask: Mask): Log {
  const clean = (fields: LogFields | undefined): LogFields | undefined =>
    fields && {
      ...fields,
      ...(fields.message !== undefined && { message: mask.apply(fields.message) }),
      ...(fields.reason !== undefined && { reason: mask.apply(fields.reason) }),
      ...(fields.error !== undefined && { error: mask.apply(describeFault(fields.error)) }),
    };
  return {
    debug: (event, fields) => log.debug(event, clean(fields)),
    info: (event, fields) => log.info(event, clean(fields)),
    warn: (event, fields) => log.warn(event, clean(fields)),
    error: (event, fields) => log.error(event, clean(fields)),
  };
}

/** A fault and its causes in one line. */
export function describeFault(fault: unknown): string {
  if (!(fault instanceof Error)) return String(fault);
  return fault.cause === undefined ? fault.message : `${fault.message} (${describeFault(fault.cause)})`;
}
