// `npm run simulate:control`: each mistake of test/simulation/controls.ts, put into a copy of the program, must be found.
import { spawn } from "node:child_process";
import { join } from "node:path";
import type { Control } from "../../test/simulation/controls/control.ts";
import { CONTROLS } from "../../test/simulation/controls.ts";
import { makePatchedCopy } from "../../test/simulation/engine/patched-copy.ts";
import type { Prey } from "../../test/simulation/hunt.ts";
import { parseOptions } from "../parse-options.ts";

const USAGE = `npm run simulate:control -- [--only TEXT] [--seed S] [--json]

  --only TEXT  the mistakes with this in their names
  --seed S     the first seed of each, instead of the one that is known to be near
  --json       a last line of JSON with the sums
`;
const ROOT = join(import.meta.dirname, "../..");
/** Within so many runs each is found. */
const MAX_RUNS = 2_000;
/** The program without the mistake plays at least so many of the same runs. */
const LEAST_RUNS = 10;
const AT_ONCE = 2;

type Verdict = { readonly control: Control; readonly prey: Prey; readonly wrong: string | undefined };

const values = parseOptions({
  only: { type: "string", default: "" },
  seed: { type: "string" },
  json: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
});

if (values.help) say(USAGE);
else await main();

async function main(): Promise<void> {
  const waiting = CONTROLS.filter(({ name }) => name.includes(values.only));
  const verdicts: Verdict[] = [];
  const lane = async () => {
    for (let control = waiting.shift(); control !== undefined; control = waiting.shift()) {
      const verdict = await judge(control);
      verdicts.push(verdict);
      report(verdict);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  const missed = verdicts.filter(({ wrong }) => wrong !== undefined).length;
  const runs = Math.max(0, ...verdicts.map(({ prey }) => prey.runs));
  const sums = { controls: verdicts.length, found: verdicts.length - missed, missed, mostRuns: runs };
  say(`${sums.found} of ${sums.controls} mistakes were found as they should be, within ${runs} runs\n`);
  if (values.json) say(`${JSON.stringify(sums)}\n`);
  if (missed > 0 || verdicts.length === 0) process.exitCode = 1;
}

async function judge(control: Control): Promise<Verdict> {
  const copy = await makePatchedCopy(control.edits);
  try {
    const prey = await hunt(copy.folder, control, MAX_RUNS);
    if (prey.found === undefined) return { control, prey, wrong: `nothing broke in ${prey.runs} runs` };
    const { rule, message } = prey.found;
    if (rule !== control.breaks) return { control, prey, wrong: `another rule broke: ${rule}: ${message}` };
    const { found } = await hunt(ROOT, control, Math.max(LEAST_RUNS, prey.runs));
    const wrong =
      found && `the program without it breaks too: seed ${found.seed}: ${found.rule}: ${found.message}`;
    return { control, prey, wrong };
  } finally {
    await copy.remove();
  }
}

function hunt(folder: string, { seed, kinds, edition = 1 }: Control, runs: number): Promise<Prey> {
  const args = [
    join(folder, "test/simulation/hunt.ts"),
    values.seed ?? String(seed),
    String(runs),
    String(edition),
    kinds.join(),
  ];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: folder, stdio: ["ignore", "pipe", "inherit"] });
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
    });
    child.once("error", reject);
    child.once("close", (code) => {
      if (code === 0) resolve(JSON.parse(text) as Prey);
      else reject(new Error(`the simulator in ${folder} ended with ${code}`));
    });
  });
}

function report({ control, prey, wrong }: Verdict): void {
  const { seed } = control;
  const runs = prey.runs === 1 ? "1 run" : `${prey.runs} runs`;
  const outcome = wrong ?? `${prey.found?.rule} after ${runs} from seed ${values.seed ?? seed} on`;
  say(`${wrong === undefined ? "found " : "MISSED"}  ${control.name}: ${outcome}\n`);
}

function say(text: string): void {
  process.stdout.write(text);
}
