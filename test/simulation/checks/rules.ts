// The rules that a run may break.

/** Which part of the result a broken rule counts for; those that are not named here count as violations only. */
export const RULES = {
  "terminal-changed": undefined,
  "cards-exceeded": undefined,
  "card-shared": undefined,
  "ledger-exceeded": undefined,
  "github-limit": undefined,
  "unfair-start": undefined,
  "secret-in-clear": undefined,
  "unexpected-error": undefined,
  "result-changed": undefined,
  "callback-wrong": undefined,
  "word-ignored": undefined,
  "waits-in-vain": undefined,
  overlooked: undefined,
  "never-due": undefined,
  "too-many-writes": undefined,
  "ended-too-early": "lost",
  "ran-twice": "doubleRun",
  "asked-twice": "doubleRun",
  "drained-with-job": "runningKilled",
  "wrong-result": "lost",
  "two-workers": "doubleRun",
  "started-again": "doubleRun",
  "ended-here-open-there": "doubleRun",
  "running-killed": "runningKilled",
  "job-lost": "lost",
  "open-here-ended-there": "lost",
  "wrong-end": "lost",
  "orphan-container": "orphans",
  "orphan-record": "orphans",
  "orphan-registration": "orphans",
  "orphan-cards": "orphans",
} as const;
export type Rule = keyof typeof RULES;

export type Violation = { readonly rule: Rule; readonly message: string };
