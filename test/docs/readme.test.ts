// Every command that the README tells people to type is run by the gate or by a test.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "..", "..");
const read = (file: string) => readFileSync(join(ROOT, file), "utf8");

/** Commands that need an account or stay running: a test runs the program itself. */
const ELSEWHERE = new Map([
  ["npm start", { file: "test/e2e/serve-process.ts", runs: "functions/serve.ts" }],
  ["npm run image", { file: ".ci/image.sh", runs: "image.ts" }],
  ["npm run key", { file: "test/docs/api.test.ts", runs: "key.ts" }],
]);

test.each(["README.md", "README_CN.md", "CONTRIBUTING.md"])("%s", (file) => {
  const commands = commandsIn(read(file));
  expect(commands.length).toBeGreaterThan(1);
  const gate = read(".ci/run").split("\n").map(normal);
  for (const command of commands) {
    const elsewhere = [...ELSEWHERE.keys()].find((known) => command.startsWith(known));
    if (elsewhere !== undefined) {
      const { file: place = "", runs = "" } = ELSEWHERE.get(elsewhere) ?? {};
      expect(read(place)).toContain(runs);
    } else {
      expect(gate.some((line) => line.startsWith(command)) || isPartOfCheck(command), command).toBe(true);
    }
  }
});

test("the Chinese README has the commands of the English one", () => {
  expect(new Set(commandsIn(read("README.md")))).toEqual(
    new Set([...commandsIn(read("README_CN.md")), ...commandsInTables(read("README.md"))]),
  );
});

function commandsIn(text: string): string[] {
  const lines = text.split("\n").filter((line) => /^ {4}(GITHUB_APP_ID=|npm )/.test(line));
  return [...lines.flatMap((line) => line.split("&&")).map(normal), ...commandsInTables(text)];
}

function commandsInTables(text: string): string[] {
  return [...text.matchAll(/(?<=\| `)npm [^`]+(?=` \|)/g)].map(([command]) => normal(command));
}

/** Without the settings before it and without what only changes how it prints. */
function normal(command: string): string {
  return command
    .replace(/^.*?(?=\bnpm )/, "")
    .replace(/ --(silent|json|no-audit|no-fund)\b/g, "")
    .replace(/ --(?=( \||$))/g, "")
    .replace(/ \|.*$/, "")
    .trim();
}

/** `npm run check` is run by the gate and runs the others. */
function isPartOfCheck(command: string): boolean {
  const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
  return `${scripts["check"]}`.includes(command);
}
