// Preloaded into a server: its clock is CLOCK_AHEAD_MS ahead of the machine's, as if it had been off for that long.
const MachineDate = Date;
const aheadMs = Number(process.env.CLOCK_AHEAD_MS);

globalThis.Date = class LateDate extends MachineDate {
  constructor(...parts) {
    if (parts.length === 0) super(MachineDate.now() + aheadMs);
    else super(...parts);
  }

  static now() {
    return MachineDate.now() + aheadMs;
  }
};
