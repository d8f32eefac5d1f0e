// Jobs with `container:` from the webhook to the end, over real processes: dispatch.yaml says which images the worker
// stands for.
import { afterEach, expect, test } from "vitest";
import { type Session, startSession } from "./harness/session.ts";
import { ORG } from "./serve-process.ts";

const CANN = "quay.io/ascend/cann:9.1.0-910b-ubuntu22.04-py3.12";
const ENDPOINT = {
  name: "cann",
  pool: "local",
  cards: 1,
  containerImages: ["quay.io/ascend/cann:9.1.0-910b-*"],
};

let session: Session | undefined;
afterEach(async () => {
  await session?.serve.dispose();
  session = undefined;
});

test("one with an image of the endpoint's list runs in place, another fails before its first step", async () => {
  session = await startSession({ extend: () => ({ endpoints: [ENDPOINT] }) });
  const { github } = session.serve;
  const queue = (image: string) =>
    github.queueWorkflowJob({
      ...{ owner: ORG, repo: "repo", labels: ["cann"] },
      run: ["npu-smi info", 'echo "in $GITHUB_WORKSPACE, card $ASCEND_VISIBLE_DEVICES"', "pwd"],
      container: { image },
    }).id;

  const equal = queue(CANN);
  await session.ended(equal);
  const ran = github.workflowJob(equal);
  expect(ran.conclusion).toBe("success");
  expect(ran.lines.join("\n")).toMatch(/in (\/.*_work\/repo\/repo), card [0-7]\n\1$/m);

  const other = queue("ubuntu:24.04");
  await session.ended(other);
  const refused = github.workflowJob(other);
  expect(refused.conclusion).toBe("failure");
  expect(refused.lines.join("\n")).toContain(
    'containerImages: ["quay.io/ascend/cann:9.1.0-910b-*","ubuntu:24.04"]',
  );
  expect(refused.lines.join("\n")).toContain("for cann under endpoints: in dispatch.yaml");
  expect(refused.lines.join("\n")).not.toContain("npu-smi");
  await session.nothingLeft();
});
