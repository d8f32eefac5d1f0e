// Labels as GitHub compares them: case-insensitive, cumulative.

/** Labels of GitHub-hosted runners: nobody's endpoint, and the bulk of all deliveries. */
const HOSTED = /^(ubuntu|windows|macos)-([0-9.]+|latest|slim)(-[a-z0-9-]+)?$/;
/** Labels that every self-hosted runner may carry; they choose nothing. */
const GENERIC: ReadonlySet<string> = new Set([
  "self-hosted",
  "linux",
  "windows",
  "macos",
  "x64",
  "x86",
  "arm",
  "arm64",
]);

/** As config.sh names it (VarUtil.OSArchitecture of actions/runner); our images are for these two. */
export type Architecture = "X64" | "ARM64";
const ARCHITECTURES: ReadonlySet<string> = new Set(["x64", "arm64"]);

const JOB_LABEL = /^npud-job-[a-z0-9]{12}$/;

export function normalize(label: string): string {
  return label.trim().toLowerCase();
}

export function isHosted(label: string): boolean {
  return HOSTED.test(normalize(label));
}

/** A label that may not be an endpoint's selector: it would catch jobs meant for others. */
export function isGeneric(label: string): boolean {
  return GENERIC.has(normalize(label)) || isHosted(label);
}

/** The label of one API job's runner: a workflow job that carries it is that runner's, and starts no other. */
export function isJobLabel(label: string): boolean {
  return JOB_LABEL.test(normalize(label));
}

export function isArchitecture(label: string): boolean {
  return ARCHITECTURES.has(normalize(label));
}

/** Case does not count at GitHub: the first spelling stays. */
export function distinct(labels: readonly string[]): string[] {
  const seen = new Map<string, string>();
  for (const label of labels) {
    if (!seen.has(normalize(label))) seen.set(normalize(label), label);
  }
  return [...seen.values()];
}

/** One label set whatever the order, case and repetition. */
export function labelSet(labels: readonly string[]): string[] {
  return [...new Set(labels.map(normalize))].sort((a, b) => (a < b ? -1 : 1));
}

/** The runner has every label of the job. Those it has beyond them do not matter to GitHub. */
export function covers(runnerLabels: readonly string[], jobLabels: readonly string[]): boolean {
  return missing(runnerLabels, jobLabels).length === 0;
}

/** Labels of the job that the runner lacks. */
export function missing(runnerLabels: readonly string[], jobLabels: readonly string[]): string[] {
  const has = new Set(runnerLabels.map(normalize));
  return labelSet(jobLabels).filter((label) => !has.has(label));
}

/** Edits (insert, delete, replace) between two labels: a distance of 1 or 2 is a typo. */
export function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const replaced = (row[j - 1] as number) + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[to.length] as number;
}
