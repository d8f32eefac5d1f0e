// The action terminate as a real process, and what both actions declare.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { ACTIONS, type ActionHost, createActionHost, JOB, KEY } from "./action-host.ts";

let host: ActionHost;
beforeEach(async () => {
  host = await createActionHost();
});
afterEach(async () => await host.dispose());

describe("terminate", () => {
  test("cancels the job", async () => {
    const { code, printed } = await host.run("terminate", { "job-id": JOB });
    expect(code).toBe(0);
    expect(host.calls.map(({ line, body }) => `${line} ${body}`)).toEqual([`POST /v2/npu/cancel/${JOB} {}`]);
    expect(host.calls[0]?.headers.authorization).toBe(`Bearer ${KEY}`);
    expect(printed).toContain("CANCELLED");
  });

  test("is harmless when the job has ended, is forgotten, or was never started", async () => {
    host.replies[`/v2/npu/cancel/${JOB}`] = [{ status: 200, body: { status: "COMPLETED" } }];
    expect((await host.run("terminate", { "job-id": JOB })).code).toBe(0);
    host.replies[`/v2/npu/cancel/${JOB}`] = [{ status: 404 }];
    expect((await host.run("terminate", { "job-id": JOB })).code).toBe(0);
    host.calls.length = 0;
    // initialize failed: nothing else need be right.
    expect((await host.run("terminate", { "job-id": "", url: "", "api-key": "" })).code).toBe(0);
    expect(host.calls).toEqual([]);
  });

  test("fails when the worker may still be there", async () => {
    host.replies[`/v2/npu/cancel/${JOB}`] = [
      { status: 401, body: { detail: "this credential is not known here" } },
    ];
    const { code, printed } = await host.run("terminate", { "job-id": JOB });
    expect(code).toBe(1);
    expect(printed).toMatch(/^::error::.*401, this credential is not known/m);
  });

  test("a job id that is a path is refused", async () => {
    expect((await host.run("terminate", { "job-id": "../purge-queue" })).code).toBe(1);
    expect(host.calls).toEqual([]);
  });
});

describe("action.yml", () => {
  test.each(["initialize", "terminate"])("%s: every input that main.mjs reads is declared", async (name) => {
    const action = parse(await readFile(join(ACTIONS, name, "action.yml"), "utf8")) as {
      inputs: Record<string, { description: string; required: boolean }>;
      runs: { using: string; main: string };
    };
    expect(action.runs).toEqual({ using: "node24", main: "main.mjs" });
    const files = [`${name}/main.mjs`, "lib/dispatcher.mjs", "lib/credential.mjs"];
    const text = (await Promise.all(files.map((file) => readFile(join(ACTIONS, file), "utf8")))).join("\n");
    const read = [...text.matchAll(/(?:readInput|requireInput)\("([\w-]+)"\)/g)].map(([, input]) => input);
    expect(new Set(Object.keys(action.inputs))).toEqual(new Set(read));
    for (const { description } of Object.values(action.inputs)) expect(description).not.toBe("");
  });
});
