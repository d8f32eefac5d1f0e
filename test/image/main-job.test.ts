// The product's main job in the built image, through the docker driver: and who runs as whom meanwhile.
import { spawn } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type ImageUnderTest, imageUnderTest, MISSING, ROOT } from "./image-under-test.ts";

const PROGRAMS = {
  supervisor: "/opt/npu-dispatch/supervisor.mjs",
  worker: "/opt/npu-dispatch/worker.mjs",
  runner: "/home/runner/run.sh",
} as const;
type Program = keyof typeof PROGRAMS;

const found = imageUnderTest();
if (found !== undefined) describeMainJob(found);
else {
  process.stderr.write(`${MISSING}\n`);
  describe("the main job in the worker image", () => {
    test("needs the image", ({ skip }) => skip(MISSING));
  });
}

function describeMainJob({ image }: ImageUnderTest): void {
  describe("the main job in the worker image", () => {
    test("is done, leaves nothing, and ran under the runner's user below the worker's and root's", async () => {
      const demo = spawn(
        process.execPath,
        [join(ROOT, "scripts", "demo.ts"), "--pool", "docker", "--image", image, "--json"],
        { stdio: ["ignore", "pipe", "inherit"] },
      );
      let output = "";
      demo.stdout.setEncoding("utf8").on("data", (text: string) => {
        output += text;
      });
      const seen = new Map<Program, Set<string>>();
      const ended = new Promise<number | null>((resolve) => demo.once("close", resolve));
      try {
        while (demo.exitCode === null) {
          await look(seen);
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      } finally {
        demo.kill();
      }
      expect({ code: await ended, result: JSON.parse(output) }).toMatchObject({
        code: 0,
        result: { ok: true, left: { workers: 0, runners: 0, cards: 0 } },
      });
      // CHOWN, KILL, SETGID and SETUID.
      expect([...(seen.get("supervisor") ?? [])].at(-1)).toMatch(/^uid 0 caps 0{14}e1 nnp 1$/);
      // Seen on its way there, it may still be root.
      expect([...(seen.get("worker") ?? [])].at(-1)).toBe("uid 1002 caps 0000000000000000 nnp 1");
      expect([...(seen.get("runner") ?? [])].at(-1)).toBe("uid 1001 caps 0000000000000000 nnp 1");
    });
  });
}

/** Notes who the image's programs run as at this moment; the engine is on this host. */
async function look(seen: Map<Program, Set<string>>): Promise<void> {
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    const [command, status] = await Promise.all([read(pid, "cmdline"), read(pid, "status")]);
    const program = programOf(command.split("\0"));
    if (program !== undefined && status !== "") note(seen, program, status);
  }
}

/** The supervisor's command line has the worker's path, too. */
function programOf(words: readonly string[]): Program | undefined {
  return (["supervisor", "worker", "runner"] as const).find((name) => words.includes(PROGRAMS[name]));
}

function note(seen: Map<Program, Set<string>>, program: Program, status: string): void {
  const field = (name: string) => new RegExp(`^${name}:\\t(\\S+)`, "m").exec(status)?.[1];
  const who = `uid ${field("Uid")} caps ${field("CapEff")} nnp ${field("NoNewPrivs")}`;
  const all = seen.get(program) ?? new Set();
  // To the end: what was seen last counts, also of a second worker.
  all.delete(who);
  seen.set(program, all.add(who));
}

/** Empty for a process that has ended meanwhile. */
async function read(pid: string, file: string): Promise<string> {
  try {
    return await readFile(`/proc/${pid}/${file}`, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && ["ENOENT", "ESRCH"].includes(String(error.code)))
      return "";
    throw error;
  }
}
