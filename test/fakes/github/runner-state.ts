// The life of one registration: made, seen, online, busy, spoken to.
import type { JobRecord, Message, RunnerGroup, RunnerRecord, Scope } from "./records.ts";
import { DEFAULT_GROUP, secret, type World } from "./world.ts";

export type Registration = {
  readonly name: string;
  readonly labels: readonly string[];
  readonly group?: RunnerGroup;
  readonly ephemeral: boolean;
  readonly jit: boolean;
  readonly workFolder: string;
  readonly version?: string;
  readonly systemLabels?: readonly string[];
};

/** A runner that holds no poll for this long counts as offline; a live one polls again within milliseconds. */
const OFFLINE_AFTER_MS = 2_000;
const BUSY_CHANGES_KEPT = 50;

export function registerRunner(
  world: World,
  scope: Scope,
  { group = DEFAULT_GROUP, systemLabels = [], version, ...rest }: Registration,
  now: number,
): RunnerRecord {
  const systemNames = new Set(systemLabels.map((label) => label.toLowerCase()));
  const custom = rest.labels.filter((label) => !systemNames.has(label.toLowerCase()));
  const runner: RunnerRecord = {
    ...scope,
    ...rest,
    id: world.nextId("runner"),
    group,
    labels: [
      ...systemLabels.map((name, index) => ({ id: index + 1, name, type: "read-only" as const })),
      ...custom.map((name, index) => ({ id: index + 100, name, type: "custom" as const })),
    ],
    credential: secret(32),
    registeredAt: now,
    version,
    os: version === undefined ? "unknown" : "linux",
    connectedBefore: false,
    session: undefined,
    poll: undefined,
    outbox: [],
    seenAt: now,
    seenMonotonicMs: 0,
    assigned: undefined,
    running: undefined,
    missedAssignment: false,
    busyChanges: [],
  };
  world.runners.set(runner.id, runner);
  return runner;
}

export function isOnline(runner: RunnerRecord): boolean {
  if (runner.session === undefined) return false;
  return runner.poll !== undefined || performance.now() - runner.seenMonotonicMs < OFFLINE_AFTER_MS;
}

/** Whether it can be given a job at this moment. */
export function isListening(runner: RunnerRecord): boolean {
  return (
    runner.poll !== undefined &&
    runner.assigned === undefined &&
    runner.running === undefined &&
    !runner.missedAssignment
  );
}

/** GitHub's flag: what was true `lagMs` ago. */
export function reportedBusy(runner: RunnerRecord, now: number, lagMs: number): boolean {
  return runner.busyChanges.findLast((change) => change.at <= now - lagMs)?.busy ?? false;
}

export function setRunning(runner: RunnerRecord, job: JobRecord | undefined, now: number): void {
  runner.running = job;
  runner.busyChanges.push({ at: now, busy: job !== undefined });
  if (runner.busyChanges.length > BUSY_CHANGES_KEPT) runner.busyChanges.shift();
}

export function touch(runner: RunnerRecord, now: number): void {
  runner.seenAt = now;
  runner.seenMonotonicMs = performance.now();
}

/** Hands the message over at once when the runner waits for one, otherwise at its next poll. */
export function send(runner: RunnerRecord, message: Message): void {
  const answer = runner.poll;
  runner.poll = undefined;
  if (answer === undefined) runner.outbox.push(message);
  else answer(message);
}
