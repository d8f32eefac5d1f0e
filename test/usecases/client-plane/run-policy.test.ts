// /run and /retry hold to the tenant's list of repositories, as webhooks do: what is not named is refused.
import { describe, expect, test } from "vitest";
import type { ApiCaller } from "../../../shared/domain/job/api-job.ts";
import { retryJob } from "../../../shared/usecases/client-plane/retry-job.ts";
import { runJob } from "../../../shared/usecases/client-plane/run-job.ts";
import { KEY_CALLER, OIDC_CALLER, RUN } from "../../domain/job/api-builders.ts";
import { ACME } from "../../fakes/world.ts";
import type { ApiWorld } from "./api-world.ts";
import { aCall, createApiWorld, ECHO, end, RUNNER, run } from "./api-world.ts";

const { login } = KEY_CALLER;
const from = (repo: string): ApiCaller => ({ ...OIDC_CALLER, run: { ...RUN, repo } });
const keyOf = (repo: string): ApiCaller => ({ ...KEY_CALLER, run: { ...RUN, repo } });

function listing(repositories: readonly string[] | undefined): ApiWorld {
  return createApiWorld({ tenants: [{ ...ACME, repositories }] });
}

async function outcomeOf(world: ApiWorld, caller: ApiCaller, input: object, endpoint = RUNNER) {
  const outcome = await runJob(world.deps, caller, endpoint, aCall(input));
  return outcome.type === "forbidden" ? outcome.message : outcome.type;
}

const elsewhere = { github_pat: "ghp_x", github_org: "globex" };

describe("with a list of repositories", () => {
  test.each([
    ["a step of a listed repository", from("kernels"), {}],
    ["one whose name fits a pattern, in another case", from("NPU-models"), {}],
    ["a key's run of a listed repository", keyOf("kernels"), {}],
    ["a key for the whole organization: its hook holds the jobs", KEY_CALLER, {}],
    ["a listed step, at another listed repository", from("kernels"), { github_org: `${login}/npu-x` }],
    ["a key, at a listed repository", KEY_CALLER, { github_org: `${login}/kernels` }],
    ["the same with a PAT", KEY_CALLER, { github_pat: "ghp_x", github_org: `${login}/npu-x` }],
  ])("%s is started", async (_name, caller, input) => {
    expect(await outcomeOf(listing(["kernels", "npu-*"]), caller, input)).toBe("accepted");
  });

  test.each([
    ["a step of another repository", from("website"), {}, `${login}/website is not among`],
    ["a key's run of another repository", keyOf("website"), {}, `${login}/website is not among`],
    [
      "a listed step for another place",
      from("kernels"),
      { github_org: `${login}/website` },
      "website is not",
    ],
    ["a key, at another repository", KEY_CALLER, { github_org: `${login}/website` }, "website is not among"],
    [
      "a PAT for another repository",
      KEY_CALLER,
      { github_pat: "x", github_org: `${login}/www` },
      "www is not",
    ],
    ["a PAT for somebody else's organization", KEY_CALLER, elsewhere, "not its own"],
    [
      "a PAT for a repository there",
      KEY_CALLER,
      { ...elsewhere, github_org: "globex/kernels" },
      "not its own",
    ],
  ])("%s is refused, and nothing is queued", async (_name, caller, input, message) => {
    const world = listing(["kernels", "npu-*"]);
    expect(await outcomeOf(world, caller, input)).toContain(message);
    expect(await world.apiStores.apiJobs.open(RUNNER as never, 10)).toEqual([]);
  });

  test("a program's endpoint holds to it too, as far as a repository is known", async () => {
    const world = listing(["kernels"]);
    expect(await outcomeOf(world, from("website"), { n: 1 }, ECHO)).toContain("website");
    expect(await outcomeOf(world, KEY_CALLER, { n: 2 }, ECHO)).toBe("accepted");
  });

  test("an empty one lets nobody in, none lets everybody in", async () => {
    expect(await outcomeOf(listing([]), from("kernels"), {})).toContain("kernels");
    expect(await outcomeOf(listing(undefined), from("kernels"), {})).toBe("accepted");
    expect(await outcomeOf(listing(undefined), KEY_CALLER, elsewhere)).toBe("accepted");
    const another = { github_org: `${login}/website` };
    expect(await outcomeOf(listing(undefined), from("kernels"), another)).toBe("invalid");
    expect(await outcomeOf(listing(undefined), KEY_CALLER, another)).toBe("accepted");
  });
});

test("a retry of a job whose repository was struck from the list in the meantime is refused", async () => {
  const world = listing(["kernels"]);
  const { id } = await run(world, aCall({}), { endpoint: RUNNER, caller: from("kernels") });
  await end(world, id);
  const deps = { ...world.deps, tenants: [{ ...ACME, repositories: ["other"] }] };
  expect(await retryJob(deps, KEY_CALLER, RUNNER, id)).toMatchObject({
    type: "refused",
    message: expect.stringContaining("kernels is not among"),
  });
  expect(await retryJob(world.deps, KEY_CALLER, RUNNER, id)).toMatchObject({ type: "retried" });
});
