// The GitHub adapter against the stand-in that other tests rely on: both must mean the same by GitHub's API.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parseDelivery } from "../../shared/adapters/github/delivery.ts";
import { createGithub, type GithubAdapter } from "../../shared/adapters/github/github.ts";
import type { RunnerScope } from "../../shared/domain/runner-scope.ts";
import type { Caller } from "../../shared/ports/github.ts";
import { redact } from "../../shared/redacted.ts";
import { type GithubStandIn, startGithubStandIn } from "../fakes/github/stand-in.ts";

const scope: RunnerScope = { type: "organization", org: "octo-org" };
const runner = { name: "npud-abc123-k3j9x0q2lm", labels: ["npu-1"], runnerGroup: undefined };
const quiet = () => undefined;

let standIn: GithubStandIn;
let github: GithubAdapter;
let ids: { readonly ownerId: number; readonly installationId: number | undefined };
let caller: Caller;

beforeEach(async () => {
  standIn = await startGithubStandIn({ rejectRepeatedJwt: true });
  ids = standIn.addOrganization("octo-org", { runnerGroups: [{ name: "NPU" }] });
  caller = {
    owner: { login: "octo-org", type: "Organization" },
    installationId: ids.installationId,
  };
  let serial = 0;
  github = createGithub({
    app: { appId: String(standIn.appId), privateKey: redact(standIn.privateKey) },
    apiUrl: standIn.apiUrl,
    clock: { now: Date.now },
    random: { token: (length) => String(++serial).padStart(length, "0"), fraction: () => 0 },
    log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
    pause: async () => undefined,
  });
});
afterEach(async () => await standIn.stop());

const calls = (path: string) => standIn.clientCalls.filter((call) => JSON.stringify(call).includes(path));

describe("registration", () => {
  test("one token for many callers, an hour long", async () => {
    const tokens = await Promise.all([1, 2, 3].map(() => github.registrationToken(caller, scope)));
    expect(new Set(tokens.map(({ token }) => token)).size).toBe(1);
    expect((tokens[0]?.expiresAt ?? 0) - Date.now()).toBeGreaterThan(55 * 60_000);
    expect(calls("registration-token")).toHaveLength(1);
  });

  test("a JIT runner in a named group is found and deleted; its name is taken meanwhile", async () => {
    const made = await github.jitConfig(caller, scope, { ...runner, runnerGroup: "npu" });
    expect(standIn.runners("octo-org")).toMatchObject([{ id: made.runnerId, runnerGroup: "NPU" }]);
    const found = await github.findRunner(caller, scope, runner.name);
    expect(found).toEqual({ id: made.runnerId, name: runner.name, status: "offline", busy: false });
    await expect(github.jitConfig(caller, scope, runner)).rejects.toMatchObject({ fault: "conflict" });
    expect(await github.deleteRunner(caller, scope, made.runnerId)).toBe("deleted");
    expect(await github.deleteRunner(caller, scope, made.runnerId)).toBe("deleted");
    expect(await github.findRunner(caller, scope, runner.name)).toBeUndefined();
  });

  test("an organization's own group wins over an enterprise's of the same letters", async () => {
    standIn.addOrganization("both", {
      runnerGroups: [{ name: "npu" }, { name: "NPU", inherited: true }],
    });
    const both = { owner: { login: "both", type: "Organization" as const }, installationId: undefined };
    await github.jitConfig(both, { type: "organization", org: "both" }, { ...runner, runnerGroup: "Npu" });
    expect(standIn.runners("both")).toMatchObject([{ runnerGroup: "npu" }]);
  });

  test("a group that does not exist", async () => {
    const asked = github.jitConfig(caller, scope, { ...runner, runnerGroup: "gpu" });
    await expect(asked).rejects.toThrow(/no runner group "gpu"/);
  });
});

describe("installations", () => {
  test("a wrong or missing hint is put right", async () => {
    for (const installationId of [undefined, 999_999_999]) {
      const token = await github.registrationToken({ ...caller, installationId }, scope);
      expect(token.token).not.toBe("");
    }
  });

  test("suspended, and not installed", async () => {
    standIn.addOrganization("frozen", { suspended: true });
    standIn.addOrganization("stranger", { installed: false });
    const ask = (org: string) =>
      github.registrationToken(
        { owner: { login: org, type: "Organization" }, installationId: undefined },
        { type: "organization", org },
      );
    await expect(ask("frozen")).rejects.toMatchObject({ fault: "suspended" });
    await expect(ask("stranger")).rejects.toMatchObject({ fault: "not-found" });
  });
});

describe("workflow jobs", () => {
  test("the delivery and the API say the same of a job", async () => {
    const receiver = createServer((_request, response) => response.end());
    await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
    try {
      standIn.setWebhook(`http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`);
      const job = standIn.queueWorkflowJob({ owner: "octo-org", repo: "widgets", labels: ["npu-1"] });
      await standIn.deliveriesIdle();
      const [first] = standIn.deliveries();
      const delivery = parseDelivery(first?.event ?? "", first?.body ?? "");
      if (delivery.type !== "workflow_job") throw new Error(JSON.stringify(delivery));
      const { repository } = delivery.word;
      const asked = {
        owner: repository.owner,
        repositoryId: repository.id,
        repo: "widgets",
        workflowJobId: job.id,
      };
      expect(await github.workflowJob(caller, asked)).toEqual(delivery.word);
      expect(delivery.word).toMatchObject({ status: "queued", labels: ["npu-1"], runner: undefined });
      standIn.cancel(job.id);
      expect(await github.workflowJob(caller, asked)).toMatchObject({
        status: "completed",
        conclusion: "cancelled",
        runner: undefined,
      });
      expect(await github.workflowJob(caller, { ...asked, workflowJobId: 1 })).toBeUndefined();
    } finally {
      receiver.closeAllConnections();
      await new Promise((resolve) => receiver.close(resolve));
    }
  });
});
