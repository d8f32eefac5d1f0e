// The content of the built worker image: users, modes, labels, size, and that it starts as it should.
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readVersions } from "../../scripts/image/versions.ts";
import {
  type ImageUnderTest,
  imageUnderTest,
  MISSING,
  ROOT,
  runImage,
  runScript,
} from "./image-under-test.ts";

const found = imageUnderTest();
if (found !== undefined) describeImage(found);
else {
  process.stderr.write(`${MISSING}\n`);
  describe("the worker image", () => {
    test("is built", ({ skip }) => skip(MISSING));
  });
}

function describeImage(under: ImageUnderTest): void {
  // Podman 4.3 loses parts of lines that come in several writes, once in some hundred containers: seen as an empty line.
  describe("the worker image", { timeout: 60_000, retry: 2 }, () => {
    test("says what it is and starts below tini, as root, with TERM for its end", async () => {
      const { Config: config, Size: size } = await inspectImage(under);
      expect(config).toMatchObject({
        Entrypoint: ["/usr/bin/tini", "-s", "--", "/opt/npu-dispatch/start"],
        StopSignal: expect.stringMatching(/^(SIGTERM|15)$/),
        WorkingDir: "/var/lib/npu-dispatch",
        User: expect.stringMatching(/^(|root|0)$/),
      });
      expect(config.Labels).toMatchObject({
        "org.opencontainers.image.title": "npu-dispatch worker (cpu)",
        "org.opencontainers.image.licenses": "MIT",
        "org.opencontainers.image.created": expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
        "npu-dispatch.variant": "cpu",
      });
      // 536 MB on Debian 12 without a real runner; a package that drags in a compiler would be 250 MB more.
      expect(size).toBeLessThan(650_000_000);
    });

    test("its environment names the runner's folder and user, and has no secret", async () => {
      const { Config: config } = await inspectImage(under);
      const env = config.Env ?? [];
      expect(env).toEqual(
        expect.arrayContaining([
          "RUNNER_HOME=/home/runner",
          "RUNNER_USER=runner",
          "WORKER_DIR=/var/lib/npu-dispatch",
          "DEBIAN_FRONTEND=noninteractive",
        ]),
      );
      expect(env.filter((entry) => /TOKEN|SECRET|PASSW|_PAT=|API_KEY/i.test(entry))).toEqual([]);
      expect(env.filter((entry) => entry.startsWith("RUNNER_ALLOW_RUNASROOT"))).toEqual([]);
    });

    test("has the two users, who have no password and no way to root", async () => {
      const { lines } = await runScript(
        under,
        `id -u runner; id -u worker; id -Gn worker
        getent shadow runner worker | cut -d: -f2 | grep -vc '^[!*]'
        command -v sudo su-exec gosu || echo none`,
      );
      expect(lines).toEqual(["1001", "1002", "worker", "0", "none"]);
    });

    test("neither user may change a program of the worker", async () => {
      const { lines } = await runScript(
        under,
        `for user in runner worker; do
          setpriv --reuid=$user --regid=$user --init-groups find /opt /usr /etc /var/lib /home -xdev -writable \\
            ! -type l ! -path '/home/runner*' ! -path '/var/lib/npu-dispatch*' -printf "$user %p\\n" 2>/dev/null
        done; echo looked`,
      );
      expect(lines).toEqual(["looked"]);
    });

    test("the runner's folder is the runner's own, and the logins of a registry only its", async () => {
      const { lines } = await runScript(
        under,
        "stat -c '%U:%G %a %n' /home/runner /home/runner/_work /home/runner/run.sh /kaniko /kaniko/.docker /kaniko/executor /opt/npu-dispatch /opt/npu-dispatch/worker.mjs",
      );
      expect(lines).toEqual([
        "runner:runner 755 /home/runner",
        "runner:runner 755 /home/runner/_work",
        "runner:runner 755 /home/runner/run.sh",
        "root:root 755 /kaniko",
        "runner:runner 700 /kaniko/.docker",
        "root:root 755 /kaniko/executor",
        "root:root 755 /opt/npu-dispatch",
        "root:root 644 /opt/npu-dispatch/worker.mjs",
      ]);
    });

    test("has the programs that jobs expect, and the pinned versions", async () => {
      const versions = await readVersions(ROOT);
      const { lines } = await runScript(
        under,
        `for name in bash buildctl curl git git-lfs jq kaniko node ps python3 setpriv ssh tar unzip xz zip; do
          command -v $name >/dev/null || echo "no $name"
        done
        python3 -m venv --help >/dev/null || echo "no venv"
        printf '%s\\n' "$(node --version)" "$(jq -c . /opt/npu-dispatch/versions.json)"`,
      );
      expect(lines[0]).toBe(`v${versions.node.version}`);
      expect(JSON.parse(lines[1] ?? "")).toEqual({
        runner: versions.runner.version,
        node: versions.node.version,
        buildkit: versions.buildkit.version,
        kaniko: versions.kaniko.version,
      });
    });

    test("nothing of the build is left: package lists, archives, build scripts, a driver", async () => {
      const { lines } = await runScript(
        under,
        `ls -A /var/lib/apt/lists /build /out /root/.npm /root/.cache 2>/dev/null | grep -v ':$' | grep .
        find / -xdev \\( -name '*.deb' -o -name 'actions-runner-*.tar*' -o -name 'node-v*.tar*' -o -name '*.map' \\) 2>/dev/null
        ls -d /usr/local/Ascend/driver /usr/local/bin/npu-smi 2>/dev/null
        echo looked`,
      );
      expect(lines).toEqual(["looked"]);
    });

    test("PID 1 reaps what a job leaves behind", async () => {
      const { lines } = await runScript(
        under,
        `(sh -c 'sleep 0.2 & exec true' &)
        sleep 1; ps -e -o stat= | grep -c Z`,
      );
      expect(lines).toEqual(["0"]);
    });

    test("without its variables it says which and ends with the code for that", async () => {
      const { code, lines } = await runImage(under, undefined);
      expect(code).toBe(2);
      expect(lines.join("\n")).toContain("RUNPOD_WEBHOOK_GET_JOB is missing");
    });
  });

  describe("fetch.sh", { timeout: 60_000 }, () => {
    const fetch = (script: string) =>
      runScript(
        under,
        `mkdir -p /tmp/b/downloads /tmp/a/node-v9-linux-x64/{bin,lib}; cp /src/build/fetch.sh /src/versions.json /tmp/b
        cd /tmp/a; echo program >node-v9-linux-x64/bin/node; echo big >node-v9-linux-x64/lib/npm; echo MIT >node-v9-linux-x64/LICENSE
        tar -czf /tmp/node.tgz node-v9-linux-x64; sum=$(sha256sum /tmp/node.tgz | cut -d' ' -f1); cd /tmp
        ${script}`,
        {
          settings: {
            mounts: [{ source: join(ROOT, "worker/image"), target: "/src", readOnly: true }],
          },
        },
      );

    test("gets an archive by its URL, checks it, and keeps what is needed", async () => {
      const { lines } = await fetch(
        `mkdir -p mirror/9.0.0; cp node.tgz mirror/9.0.0/node-arm64.tgz
        TARGETARCH=arm64 NODE_VERSION=9.0.0 NODE_URL=file:///tmp/mirror/{version}/node-{arch}.tgz NODE_SHA256_ARM64=$sum \\
          /tmp/b/fetch.sh node /tmp/out && find out -type f | sort`,
      );
      expect(lines).toEqual(["node 9.0.0 for arm64: checked and unpacked", "out/LICENSE", "out/bin/node"]);
    });

    test("takes buildctl of BuildKit, and not its daemon", async () => {
      const { lines } = await fetch(
        `mkdir -p mirror k/bin; echo client >k/bin/buildctl; echo daemon >k/bin/buildkitd; tar -C k -czf mirror/b-amd64.tgz bin
        TARGETARCH=amd64 BUILDKIT_VERSION=9.0.0 BUILDKIT_URL=file:///tmp/mirror/b-amd64.tgz \\
          BUILDKIT_SHA256_X64=$(sha256sum mirror/b-amd64.tgz | cut -d' ' -f1) /tmp/b/fetch.sh buildkit /tmp/out && find out -type f`,
      );
      expect(lines).toEqual(["buildkit 9.0.0 for x64: checked and unpacked", "out/bin/buildctl"]);
    });

    test("refuses an archive with another SHA-256, and unpacks none of it", async () => {
      const { node } = await readVersions(ROOT);
      const { code, lines } = await fetch(
        `cp node.tgz b/downloads/node-v${node.version}-linux-x64.tar.gz
        TARGETARCH=amd64 /tmp/b/fetch.sh node /tmp/out; code=$?; test -e out || echo none; exit $code`,
      );
      expect(code).not.toBe(0);
      expect(lines.join("\n")).toContain(`has not the SHA-256 ${node.sha256.x64}`);
      expect(lines.at(-1)).toBe("none");
    });

    test("knows no SHA-256 of a version that is not pinned, and says what to set", async () => {
      const { lines } = await fetch("RUNNER_VERSION=9.9.9 TARGETARCH=arm64 /tmp/b/fetch.sh runner /tmp/out");
      expect(lines).toEqual([
        "The SHA-256 of runner 9.9.9 is not known here: set RUNNER_SHA256_ARM64, from the release's own page.",
      ]);
    });

    test("says where a file may be put when its site cannot be reached", async () => {
      const { lines } = await fetch("RUNNER_URL=file:///nowhere /tmp/b/fetch.sh runner /tmp/out");
      expect(lines.at(-1)).toMatch(
        /^file:\/\/\/nowhere could not be had\. Set RUNNER_URL to a mirror, or put actions-/,
      );
    });

    test("refuses an architecture that has no image", async () => {
      const { lines } = await fetch("TARGETARCH=s390x /tmp/b/fetch.sh node /tmp/out");
      expect(lines).toEqual(["There is no worker image for s390x; amd64 and arm64 exist."]);
    });
  });
}

type Inspected = {
  readonly Size: number;
  readonly Config: {
    readonly Env?: readonly string[];
    readonly Labels: { readonly [name: string]: string };
    readonly [field: string]: unknown;
  };
};

async function inspectImage({ engine, image }: ImageUnderTest): Promise<Inspected> {
  const { text } = await engine.call({ method: "GET", path: `/images/${image}/json` });
  return JSON.parse(text) as Inspected;
}
