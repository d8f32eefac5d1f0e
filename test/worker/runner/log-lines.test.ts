import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createLineSplitter } from "../../../worker/process/line-splitter.ts";
import { parseRunnerLine, type RunnerMarker } from "../../../worker/runner/log-lines.ts";

const STAMP = "2026-11-21 10:00:00Z: ";

const ENDS = [
  "Runner listener exit with 0 return code, stop the service, no retry needed.",
  "Runner listener exit with terminated error, stop the service, no retry needed.",
  "Runner listener exit with Session Conflict error, stop the service, no retry needed.",
  "Exiting with unknown error code: 137",
];
const KNOWN: [string, RunnerMarker | undefined][] = [
  ["Listening for Jobs", { type: "listening" }],
  ["Listening for Jobs: w-1 ( https://github.com/acme )", { type: "listening" }],
  ["Running job: build (a2, 3.11)", { type: "running", jobName: "build (a2, 3.11)" }],
  ["Job build completed with result: Canceled", { type: "completed", jobName: "build", result: "Canceled" }],
  ["The runner no longer exists on the server. Cleaning up local configuration.", { type: "deleted" }],
  [
    "Failed to create a session. The runner registration has been deleted from the server, please re-configure.",
    { type: "deleted" },
  ],
  ["A session for this runner already exists.", { type: "session-conflict" }],
  // "occurred" since actions/runner c5dcf59d2 (#4285), Listener/Program.cs:136.
  [
    "An error occurred: Runner version v2.300.0 is deprecated and cannot receive messages.",
    { type: "too-old" },
  ],
  [
    "An error occured: Runner version v2.300.0 is deprecated and cannot receive messages.",
    { type: "too-old" },
  ],
  ...ENDS.map((line): [string, RunnerMarker] => [line, { type: "listener-ended", line }]),
  // It starts again.
  ["Runner listener exit with retryable error, re-launch runner in 5 seconds.", undefined],
  ["Runner listener exit because of updating, re-launch runner after successful update", undefined],
  ["√ Connected to GitHub", undefined],
  ["Current runner version: '2.336.0'", undefined],
  ["Exiting runner...", undefined],
  ["echo Listening for Jobs", undefined],
  ["[WORKER 2026-11-21 10:00:00Z INFO JobRunner] Running job: x", undefined],
];

describe("a line of the runner", () => {
  it.each(KNOWN)("%s", (line, marker) => {
    for (const form of [line, STAMP + line, `${STAMP}${line}\r`, `\u001b[33m${STAMP}${line}\u001b[0m`]) {
      expect(parseRunnerLine(form)).toEqual(marker);
    }
  });

  it("keeps a job's name, whatever it is", () => {
    const name = fc
      .string({ unit: "grapheme" })
      .filter((text) => !["\n", "\r", "\u2028", "\u2029", "\u001b"].some((end) => text.includes(end)));
    fc.assert(
      fc.property(name, (jobName) => {
        expect(parseRunnerLine(`${STAMP}Running job: ${jobName}`)).toEqual({ type: "running", jobName });
        const done = parseRunnerLine(`${STAMP}Job ${jobName} completed with result: Failed`);
        expect(done).toEqual({ type: "completed", jobName, result: "Failed" });
      }),
    );
  });

  it("never throws", () => {
    const piece = fc.oneof(
      fc.string(),
      fc.constantFrom(
        STAMP,
        "Running job: ",
        "Job ",
        " completed with result: ",
        "Listening for Jobs",
        "\u001b[",
        "m",
      ),
    );
    fc.assert(fc.property(fc.array(piece), (pieces) => void parseRunnerLine(pieces.join(""))));
  });
});

describe("the splitter", () => {
  it("gives the same lines however the bytes are cut", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.string({ unit: "grapheme" }).map((text) => text.replace(/[\r\n]/g, "")),
          { minLength: 1 },
        ),
        fc.array(fc.nat(40)),
        (lines, cuts) => {
          const bytes = Buffer.from(`${lines.join("\n")}\n`);
          const seen: string[] = [];
          const splitter = createLineSplitter((line) => seen.push(line));
          let at = 0;
          for (const cut of cuts) {
            splitter.push(bytes.subarray(at, at + cut));
            at += cut;
          }
          splitter.push(bytes.subarray(at));
          splitter.end();
          expect(seen).toEqual(lines);
        },
      ),
    );
  });

  it("cuts a line that is too long, and reads on after it", () => {
    const seen: string[] = [];
    const splitter = createLineSplitter((line) => seen.push(line), 5);
    for (const part of ["1234", "5678\nnext\nno end"]) splitter.push(Buffer.from(part));
    splitter.end();
    expect(seen).toEqual(["12345", "next", "no en"]);
  });
});
