// A log that keeps its events, for tests that ask what was said.
import type { Log, LogFields } from "../../../shared/ports/log.ts";

export type KeptLog = Log & { readonly events: { event: string; fields: LogFields | undefined }[] };

export function createKeptLog(): KeptLog {
  const events: KeptLog["events"] = [];
  const keep = (event: string, fields?: LogFields) => {
    events.push({ event, fields });
  };
  return { events, debug: keep, info: keep, warn: keep, error: keep };
}
