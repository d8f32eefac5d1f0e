// A fault and its causes in one line, for a report or a reason.

export function describeFault(fault: unknown): string {
  if (!(fault instanceof Error)) return String(fault);
  return fault.cause === undefined ? fault.message : `${fault.message} (${describeFault(fault.cause)})`;
}
