// A step that uses up the memory of its container: the kernel kills it, and the job's end says so, wherever it is told.
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { hashKey } from "../../functions/http/client/auth.ts";
import { createServe, ORG } from "../e2e/serve-process.ts";
import { until } from "../e2e/until.ts";
import { type ImageUnderTest, imageUnderTest, MISSING, ROOT } from "./image-under-test.ts";

const found = imageUnderTest();
if (found !== undefined) describeKills(found);
else {
  describe("a step without memory", () => {
    test("needs the image", ({ skip }) => skip(MISSING));
  });
}

const API_KEY = `npud_${"m".repeat(40)}`;
const ENDPOINT = "starved";
const WORDS = /1 process was killed for lack of memory; limit 256 MiB/;

function describeKills({ image, host }: ImageUnderTest): void {
  describe("a step without memory", () => {
    test("its job's end says that the kernel killed it, and the limit: in its status and the log", async () => {
      const pool = {
        driver: "docker",
        kind: "npu",
        devices: "simulated",
        cards: 1,
        host,
        image,
        pullPolicy: "never",
        network: "host",
        perCard: { memory: "256MiB" },
        mounts: [
          { source: join(ROOT, "test", "fakes", "npu-smi", "npu-smi"), target: "/usr/local/bin/npu-smi" },
        ],
      };
      const labels = [ENDPOINT];
      const serve = await createServe({
        extend: (_github, { url, ownerId }) => ({
          publicUrl: url,
          pools: { box: pool },
          endpoints: [{ name: ENDPOINT, pool: "box", cards: 1, labels }],
          apiKeys: [{ name: "test", owner: ORG, ownerId, hash: hashKey(API_KEY) }],
        }),
      });
      try {
        await serve.start();
        const { github } = serve;
        const { id } = github.queueWorkflowJob({ owner: ORG, repo: "repo", labels, run: ["tail /dev/zero"] });
        const detail = () => serve.output().slice(-4_000);
        const limitMs = 60_000;
        await until("the job to end", () => github.workflowJob(id).status === "completed", {
          detail,
          limitMs,
        });
        expect(github.workflowJob(id).conclusion).toBe("failure");
        await until("the worker's report", () => serve.output().includes('"worker-released"'), { detail });
        const status = await statusOf(serve.url, `gh-${id}`);
        expect(status).toMatchObject({
          endReason: "workflow-job-failed",
          error: expect.stringMatching(WORDS),
        });
        const finished = lineOf(serve.output(), "worker-finished");
        expect(finished).toMatch(WORDS);
      } finally {
        await serve.dispose();
      }
    }, 120_000);
  });
}

function lineOf(output: string, event: string): string {
  return output.split("\n").find((line) => line.includes(`"event":"${event}"`)) ?? "";
}

async function statusOf(url: string, id: string): Promise<unknown> {
  const headers = { authorization: `Bearer ${API_KEY}` };
  return (await fetch(`${url}/v2/${ENDPOINT}/status/${id}`, { headers })).json();
}
