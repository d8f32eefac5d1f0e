// What a line of the runner's output means for its worker. Pure; knows no line by heart but those of actions/runner.

export type RunnerMarker =
  | { readonly type: "listening" }
  | { readonly type: "running"; readonly jobName: string }
  | { readonly type: "completed"; readonly jobName: string; readonly result: string }
  /** GitHub has no registration of this runner any more. */
  | { readonly type: "deleted" }
  | { readonly type: "too-old" }
  /** Another process has this runner's session. */
  | { readonly type: "session-conflict" }
  /** How its listener ended, by run-helper.sh, which itself ends with 0 all the same: after 1, 5 and a kill as well. */
  | { readonly type: "listener-ended"; readonly line: string };

/** The marker in a line, with or without the runner's time stamp and colours; undefined for every other line. */
export function parseRunnerLine(line: string): RunnerMarker | undefined {
  const text = line.replace(COLOURS, "").replace(TIME_STAMP, "").replace(/\r$/, "");
  // Other runners go on: ": NAME ( URL )".
  if (/^Listening for Jobs(?![\w])/i.test(text)) return { type: "listening" };
  const running = /^Running job: (.*)$/.exec(text);
  if (running) return { type: "running", jobName: running[1] ?? "" };
  // A job's name may itself hold these words: the last ones count.
  const completed = /^Job (.*) completed with result: (\w+)$/.exec(text);
  if (completed) return { type: "completed", jobName: completed[1] ?? "", result: completed[2] ?? "" };
  if (LISTENER_ENDED.test(text)) return { type: "listener-ended", line: text };
  return FIXED.find(({ words }) => words.test(text))?.marker;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character starts a colour
const COLOURS = /\u001b\[[0-9;]*m/g;
/** `2026-11-21 10:00:00Z: `, with a `T` and fractions in some versions. */
const TIME_STAMP = /^\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\.\d{1,9})?Z: /;

/** run-helper.sh.template:38-80 of actions/runner; after "re-launch" it goes on. */
const LISTENER_ENDED =
  /^(?:Runner listener exit with (?!retryable error|deprecated version)|Exiting with unknown error code: )/;

const FIXED: readonly { readonly words: RegExp; readonly marker: RunnerMarker }[] = [
  {
    words: /^(?:Failed to create a session\. )?The runner registration has been deleted/,
    marker: { type: "deleted" },
  },
  { words: /^The runner no longer exists on the server/, marker: { type: "deleted" } },
  { words: /^A session for this runner already exists/, marker: { type: "session-conflict" } },
  {
    words:
      /^(?:An error occurr?ed: )?Runner version v?[\w.-]{1,40} is deprecated and cannot receive messages/,
    marker: { type: "too-old" },
  },
];
