import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import { startDispatcher } from "../support/dispatcher-stub.ts";
import { eventually } from "../support/eventually.ts";
import { startWorker } from "../support/start-worker.ts";

const PAT = "ghp_personal_access_token_of_test";

/** GitHub's two token endpoints. */
async function startGitHub(status = 201) {
  const calls: string[] = [];
  const server = createServer((request, response) => {
    calls.push(`${request.method} ${request.url} ${request.headers.authorization}`);
    const token = request.url?.endsWith("remove-token")
      ? "AREMOVETOKENOFTHETEST00000001"
      : "AREGISTRATIONTOKENOFGITHUB001";
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(status === 201 ? { token, expires_at: "" } : { message: "Bad credentials" }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v3`,
    calls,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe("a worker with a personal access token", () => {
  it.each([
    { org: "acme", path: "orgs/acme", url: "/acme" },
    { org: "acme/widgets", path: "repos/acme/widgets", url: "/acme/widgets" },
  ])("registers for $org, and leaves the runner of a finished job to GitHub", async ({ org, path, url }) => {
    await using dispatcher = await startDispatcher();
    await using github = await startGitHub();
    const input = { github_pat: PAT, github_org: org, seed: 7 };
    dispatcher.take = () => ({ status: 200, body: { id: "gh-7", input } });
    await using worker = startWorker(dispatcher, { env: { GITHUB_API_URL: github.url } });

    expect((await worker.exit).code).toBe(0);

    expect(github.calls).toEqual([`POST /api/v3/${path}/actions/runners/registration-token Bearer ${PAT}`]);
    expect(dispatcher.registrations).toEqual([]);
    const args = worker.file("config-args-add");
    expect(args).toContain(`${github.url.replace("/api/v3", "")}${url}\n`);
    expect(args).toContain("--labels\nrunpod,worker-1\n");
    expect(args).not.toContain("--no-default-labels");
    expect(worker.file("run-env")).toContain('JOB_INPUT={"seed":7}');
    expect(worker.file("run-env")).not.toContain(PAT);
    expect(worker.output()).not.toContain(PAT);
  });

  it("takes its registration back with a remove token when no job came", async () => {
    await using dispatcher = await startDispatcher();
    await using github = await startGitHub();
    dispatcher.take = () => ({ status: 200, body: { id: "gh-7", input: null } });
    const env = { GITHUB_API_URL: github.url, GITHUB_PAT: PAT, GITHUB_ORG: "acme" };
    await using worker = startWorker(dispatcher, { run: "run-waits.sh", env });
    await eventually("listening", () => dispatcher.pings.some(({ phase }) => phase === "listening"));

    dispatcher.drain = "idle";

    expect((await worker.exit).code).toBe(0);
    expect(github.calls.at(-1)).toContain("/orgs/acme/actions/runners/remove-token");
    expect(worker.file("config-args-remove")).toBe("remove\n");
    expect(worker.file("config-env-remove")).toContain(
      "ACTIONS_RUNNER_INPUT_TOKEN=AREMOVETOKENOFTHETEST00000001",
    );
    expect(worker.file(".runner")).toBeUndefined();
    expect(worker.output()).not.toContain("AREMOVETOKEN");
  });

  it("refuses an organization that is a command, before GitHub is asked", async () => {
    await using dispatcher = await startDispatcher();
    await using github = await startGitHub();
    const input = { github_pat: PAT, github_org: "acme; id" };
    dispatcher.take = () => ({ status: 200, body: { id: "gh-7", input } });
    await using worker = startWorker(dispatcher, { env: { GITHUB_API_URL: github.url } });

    expect((await worker.exit).code).toBe(80);

    expect(github.calls).toEqual([]);
    expect(dispatcher.dones[0]?.output).toMatchObject({ outcome: "registration-refused" });
  });

  it("says what GitHub said", async () => {
    await using dispatcher = await startDispatcher();
    await using github = await startGitHub(401);
    dispatcher.take = () => ({
      status: 200,
      body: { id: "gh-7", input: { github_pat: PAT, github_org: "acme" } },
    });
    await using worker = startWorker(dispatcher, { env: { GITHUB_API_URL: github.url } });

    expect((await worker.exit).code).toBe(80);

    expect(dispatcher.dones[0]?.error).toContain(
      "GitHub answered 401 to registration-token for orgs/acme: Bad credentials",
    );
  });
});
