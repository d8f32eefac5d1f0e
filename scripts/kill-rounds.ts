// Kills the real server and its workers at random moments, round after round: `npm run kill-rounds -- --rounds 30 --json`.
import type { RoundResult } from "./kill-rounds/round.ts";
import { playRound } from "./kill-rounds/round.ts";
import { parseOptions, wholeNumber } from "./parse-options.ts";

const USAGE = `npm run kill-rounds -- [--rounds N] [--seed S] [--parallel N] [--json]

  --rounds N    rounds, one for each seed from S on (10)
  --seed S      the first seed (1): what is queued and killed, and how long after the begin of its round
  --parallel N  rounds at a time (2)
  --json        a last line of JSON with the sums
`;
/** Of the log of a server whose round went wrong. */
const LAST_LINES = 40;

const values = parseOptions({
  rounds: { type: "string", default: "10" },
  seed: { type: "string", default: "1" },
  parallel: { type: "string", default: "2" },
  json: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
});

if (values.help) say(USAGE);
else await main();

async function main(): Promise<void> {
  const started = Date.now();
  const first = wholeNumber("seed", values.seed);
  const seeds = Array.from({ length: wholeNumber("rounds", values.rounds) }, (_, index) => first + index);
  const results: RoundResult[] = [];
  const lane = async () => {
    for (let seed = seeds.shift(); seed !== undefined; seed = seeds.shift()) {
      const result = await playRound(seed);
      results.push(result);
      report(result);
    }
  };
  await Promise.all(Array.from({ length: wholeNumber("parallel", values.parallel) }, lane));
  conclude(results, Date.now() - started);
}

function report({
  seed,
  jobs,
  failed,
  serverKills,
  workerKills,
  looks,
  findings,
  log,
  ms,
}: RoundResult): void {
  const ended = `${jobs} jobs, ${failed} failed with their worker`;
  const kills = `${serverKills} server and ${workerKills} worker kills`;
  const verdict = findings.length === 0 ? "nothing lost, nothing left" : `${findings.length} findings`;
  say(`seed ${seed}: ${ended}; ${kills}; ${looks} looks, ${(ms / 1_000).toFixed(1)} s: ${verdict}\n`);
  for (const { kind, message } of findings) say(`  ${kind}: ${message}\n`);
  if (findings.length > 0) say(log.trimEnd().split("\n").slice(-LAST_LINES).join("\n").concat("\n"));
}

function conclude(results: readonly RoundResult[], ms: number): void {
  const sum = (of: (result: RoundResult) => number) => results.reduce((total, one) => total + of(one), 0);
  const found = (kind: string) => sum(({ findings }) => findings.filter((one) => one.kind === kind).length);
  const sums = {
    rounds: results.length,
    jobs: sum(({ jobs }) => jobs),
    serverKills: sum(({ serverKills }) => serverKills),
    workerKills: sum(({ workerKills }) => workerKills),
    lost: found("lost"),
    orphans: found("orphan"),
    doubleRun: found("double-run"),
  };
  say(`${sums.rounds} rounds in ${(ms / 1_000).toFixed(0)} s\n`);
  if (values.json) say(`${JSON.stringify(sums)}\n`);
  if (sum(({ findings }) => findings.length) > 0) process.exitCode = 1;
}

function say(text: string): void {
  process.stdout.write(text);
}
