// The commands of the readme say what is wrong with an option, in a sentence and with an exit code of their own.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";

const SCRIPTS = join(import.meta.dirname, "..", "..", "scripts");

test.each([
  ["demo.ts --job 2", 2, "Unknown option '--job'"],
  ["demo.ts --jobs none", 2, "--jobs takes a whole number from 1 on"],
  ["demo.ts --pool docker", 2, "--pool docker needs --image"],
  ["demo.ts --api --lambda", 2, "--api goes with --jobs, --json and --log alone"],
  ["demo.ts --host-cards 0", 2, "--host-cards takes a whole number from 1 to 64"],
  ["demo.ts --host-cards 8 --pool kubernetes", 2, "for the local pool, without --lambda"],
  ["package.ts --stag prod", 2, "Unknown option '--stag'"],
  ["package.ts --config gone.yaml", 1, "Name another file with --config"],
  ["image.ts --variant tpu", 2, '--variant is one of npu, gpu, cpu; "tpu" is not'],
  ["key.ts --tennant acme", 2, "Unknown option '--tennant'"],
])("%s", async (command, expected, sentence) => {
  const [script = "", ...args] = command.split(" ");
  const { code, stderr } = await new Promise<{ code: unknown; stderr: string }>((resolve) => {
    execFile(process.execPath, [join(SCRIPTS, script), ...args], (error, _stdout, text) =>
      resolve({ code: error?.code, stderr: text }),
    );
  });
  expect([code, stderr]).toEqual([expected, expect.stringContaining(sentence)]);
  expect(stderr).not.toMatch(/^ +at /m);
});
