// The image's `kaniko` and the builder that the docker pool puts beside it: both ends, on a real engine, with a stand-in
// for kaniko.
import { beforeAll, describe, expect, test } from "vitest";
import { BUILDER_IMAGE, makeBuilderImage } from "../contract/builder-image.ts";
import { TEST_IMAGE } from "../contract/docker-pool-under-test.ts";
import { type ImageUnderTest, imageUnderTest, MISSING, runScript } from "./image-under-test.ts";

const found = imageUnderTest();
if (found !== undefined) describeBuilder(found);
else {
  process.stderr.write(`${MISSING}\n`);
  describe("building in the worker image", () => {
    test("needs the image", ({ skip }) => skip(MISSING));
  });
}

const BUILDER = {
  image: BUILDER_IMAGE,
  folder: "/home/runner/_work",
  endpoints: undefined,
  cpus: undefined,
  memoryBytes: 64 * 1024 * 1024,
};

/** As a step of a job. The folder is the supervisor's to give: Podman makes root the owner of a volume. */
const asRunner = (script: string) =>
  `chown runner: /home/runner/_work; setpriv --reuid=runner --regid=runner --init-groups bash -c '${script}' && echo done`;

function describeBuilder(under: ImageUnderTest): void {
  describe("building in the worker image", { timeout: 60_000, retry: 2 }, () => {
    beforeAll(() => makeBuilderImage(under.engine, TEST_IMAGE));

    test("the seed's commands work with no more than the pool's builder, and leave no logins in the work folder", async () => {
      const { lines } = await runScript(
        under,
        asRunner(`mkdir -p /home/runner/_work/app /kaniko/.docker && cd /home/runner/_work/app && echo FROM scratch >Dockerfile
          echo "{\\"auths\\":{}}" >/kaniko/.docker/config.json
          kaniko --dockerfile=./Dockerfile --context=. --destination=docker.io/acme/image:1 --tar-path=image.tar --cache=true 2>&1
          echo "code $?"; cat image.tar; find .. -path "*docker/config.json"`),
        { settings: { builder: BUILDER } },
      );
      expect(lines).toEqual([
        "argument --context=dir:///home/runner/_work/app",
        "argument --dockerfile=/home/runner/_work/app/Dockerfile",
        "argument --destination=docker.io/acme/image:1",
        "argument --tar-path=/home/runner/_work/app/image.tar",
        "argument --cache=true",
        "argument --force=true",
        "argument --cleanup=true",
        'logins {"auths":{}}',
        expect.stringMatching(/^Uid:\s+0/),
        expect.stringMatching(/^CapEff:/),
        "NoNewPrivs:\t1",
        expect.stringMatching(/^variables /),
        "code 0",
        "image",
        "done",
      ]);
    });

    test("without a builder it says what the operator does", async () => {
      const { lines } = await runScript(under, asRunner("kaniko --no-push 2>&1; echo code $?"));
      expect(lines).toEqual([
        expect.stringMatching(/^kaniko: no builder is configured.*gives the pool a builder/),
        "code 2",
        "done",
      ]);
    });

    test("buildctl is there for BuildKit, and its address is what is wrong", async () => {
      const { lines } = await runScript(
        under,
        asRunner(
          "cd /tmp; echo FROM scratch >Dockerfile; BUILDKIT_HOST=tcp://127.0.0.1:1 kaniko --context=. --no-push 2>&1",
        ).replace(" && ", " ; "),
      );
      expect(lines).toEqual([
        expect.stringMatching(/^kaniko: BuildKit cannot be reached at .*nobody listens/),
        "done",
      ]);
    });
  });
}
