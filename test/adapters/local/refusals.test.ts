// What the local pool says when a worker cannot start, and that it leaves nothing behind.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  type LocalPoolUnderTest,
  openLocalPool,
  program,
  specOf,
} from "../../contract/local-pool-under-test.ts";

let pool: LocalPoolUnderTest;
beforeEach(async () => {
  pool = await openLocalPool();
});
afterEach(() => pool.close());

describe("starts that cannot be", () => {
  test.each([
    ["a missing program", ["/nowhere/program"], /program \/nowhere\/program was not found/],
    ["a program that PATH does not have", ["no-such-program-anywhere"], /was not found/],
    ["a script of a missing interpreter", ["@script"], /the interpreter that it names/],
    ["a file that is no program", ["@plain"], /may not be executed/],
    ["a folder", ["/tmp"], /may not be executed/],
    ["a NUL character", ["/bin/echo", "a\0b"], /NUL/],
    ["too long arguments", ["/bin/echo", "x".repeat(3_000_000)], /more arguments/],
    ["an empty command", [], /names no program/],
  ])("refuses %s", async (_case, parts, message) => {
    await writeFile(join(pool.dir, "script"), "#!/nowhere/sh\n", { mode: 0o755 });
    await writeFile(join(pool.dir, "plain"), "text", { mode: 0o644 });
    const command = parts.map((part) => part.replace("@", `${pool.dir}/`));
    const spec = specOf({ command });
    expect(await pool.driver.start(spec)).toEqual({
      type: "refused",
      message: expect.stringMatching(message),
    });
    expect(await pool.driver.inspect(spec.workerId)).toEqual({ type: "gone" });
    expect(await pool.driver.list()).toEqual([]);
    // The same worker may start once the fault is mended.
    expect(await pool.driver.start({ ...spec, command: program("stay") })).toEqual({ type: "started" });
  });

  test("refuses cards that are not named, or not there", async () => {
    const unnamed = await pool.driver.start(specOf({ slots: [] }));
    expect(unnamed).toMatchObject({
      type: "refused",
      message: expect.stringContaining("needs 2 cards, but 0"),
    });
    const missing = await pool.driver.start(specOf({ slots: [7, 8] }));
    expect(missing).toMatchObject({ type: "refused", message: expect.stringContaining("no card 8") });
  });

  test("refuses a pool folder below a file", async () => {
    await writeFile(join(pool.dir, "file"), "");
    const driver = pool.open({ dir: join(pool.dir, "file") });
    const outcome = await driver.start(specOf());
    expect(outcome).toMatchObject({ type: "refused", message: expect.stringContaining("below a file") });
  });
});
