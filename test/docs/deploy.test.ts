// docs/deploy.md: its service starts the program as the program wants it, its tables are those of serverless.yml.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import * as yaml from "yaml";
import { parseConfig } from "../../shared/config/parse.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const read = (file: string) => readFileSync(join(ROOT, file), "utf8");
const page = read("docs/deploy.md");
const blocks = (language: string) =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\``, "gm"))].map(
    ([, text = ""]) => text,
  );

/** Offline analysis came with systemd 250. */
const isAnalyzed = hasAnalyzer();

describe("on a machine of your own", () => {
  test("the configuration is valid, and says where workers in containers call", () => {
    const [text = ""] = blocks("yaml");
    expect(parseConfig(text)).toMatchObject({
      ok: true,
      config: { publicUrl: "https://dispatch.example.org", pools: [{ driver: "docker" }] },
    });
  });

  test("the environment has variables that there are", () => {
    const [env = ""] = blocks("ini");
    const names = [...env.matchAll(/^([A-Z_]+)=/gm)].map(([, name = ""]) => name.replace(/_FILE$/, ""));
    expect(names.length).toBeGreaterThan(3);
    const documented = read("docs/configuration.md");
    for (const name of names) expect(documented).toContain(`| \`${name}\` |`);
  });

  test("the service runs a file that there is, with options that it knows", () => {
    const [, unit = ""] = blocks("ini");
    const [, folder = ""] = /^WorkingDirectory=(.+)$/m.exec(unit) ?? [];
    const [, node = "", entry = "", args = ""] = /^ExecStart=(\S+) (\S+) (.+)$/m.exec(unit) ?? [];
    expect(node).toBe(`${folder}/node_modules/.bin/node`);
    const [, known = ""] = /const OPTIONS = \{([\s\S]*?)\n\}/.exec(read(entry)) ?? [];
    const options = [...args.matchAll(/--(\w+)/g)].map(([, name = ""]) => name);
    expect(options).toEqual(["port", "data", "config"]);
    for (const name of options) expect(known).toContain(`${name}: {`);
    // Workers of a local pool are in its control group.
    expect(unit).toMatch(/^KillMode=process$/m);
  });

  test.skipIf(!isAnalyzed)("systemd finds no fault in the service, and little exposed", () => {
    const [, unit = "", dropIn = ""] = blocks("ini");
    const folder = mkdtempSync(join(tmpdir(), "npu-dispatch-unit-"));
    const file = join(folder, "npu-dispatch.service");
    writeFileSync(file, unit.replaceAll("/opt/npu-dispatch", ROOT));
    expect(exposure(file)).toBeLessThanOrEqual(3);
    mkdirSync(`${file}.d`);
    writeFileSync(join(`${file}.d`, "local-pool.conf"), dropIn);
    expect(exposure(file)).toBeLessThan(4.5);
    rmSync(folder, { recursive: true });
  });

  test("what the drop-in takes back is what the service has set", () => {
    const [, unit = "", dropIn = ""] = blocks("ini");
    const settings = [...dropIn.matchAll(/^(\w+)=/gm)].map(([, name = ""]) => name);
    expect(settings.length).toBeGreaterThan(10);
    for (const name of settings) expect(unit).toMatch(new RegExp(`^${name}=`, "m"));
    // An ACL of devices hides the cards, and ProtectClock is one (systemd.exec(5)).
    expect(dropIn).toMatch(/^DevicePolicy=auto\nProtectClock=no$/m);
  });
});

describe("on AWS", () => {
  const { functions, params } = yaml.parse(read("serverless.yml"), { merge: true }) as {
    functions: { [name: string]: { timeout: number } };
    params: { default: object };
  };

  test("functions and their time-outs", () => {
    const rows = [...page.matchAll(/^\| `(\w+)` \| .* \| (\d+) s \|$/gm)];
    const told = rows.map(([, name, seconds]) => [name, Number(seconds)]);
    expect(told).toEqual(Object.entries(functions).map(([name, { timeout }]) => [name, timeout]));
  });

  test("secrets: each that a function may read", () => {
    const told = page.match(/`[A-Z_]{6,}`/g)?.map((name) => name.slice(1, -1));
    const readable = [...read("serverless.yml").matchAll(/\{param:secretsPath\}\/([A-Z_]+)$/gm)];
    expect(readable.length).toBeGreaterThan(5);
    for (const [, name] of readable) expect(told).toContain(name);
  });

  test("settings of the packaging", () => {
    const [, table = ""] = page.split("| `--param` |");
    const rows = [...table.matchAll(/^\| `(\w+)` \| `[^`]+` \| /gm)].map(([, name = ""]) => name);
    expect(rows).toHaveLength(3);
    for (const name of rows) expect(Object.keys(params.default)).toContain(name);
  });

  test("its commands have options that the programs know", () => {
    const packager = read("scripts/package.ts");
    const lines = page.match(/npm run package -- [^`\n]+/g) ?? [];
    expect(lines).toHaveLength(2);
    for (const [, option = ""] of lines.join(" ").matchAll(/--([a-z]+)/g)) {
      expect(packager, option).toContain(`${option}: {`);
    }
  });
});

function hasAnalyzer(): boolean {
  const { stdout } = spawnSync("systemd-analyze", ["--version"], { encoding: "utf8" });
  const version = Number(/^systemd (\d+)/.exec(stdout ?? "")?.[1] ?? 0);
  if (version >= 250) return true;
  process.stderr.write(
    "the systemd unit is not analyzed: no systemd-analyze of version 250 or later (apt-get install systemd)\n",
  );
  return false;
}

/** From 0 to 10; verified first. */
function exposure(file: string): number {
  const verified = spawnSync("systemd-analyze", ["verify", "--man=no", file], { encoding: "utf8" });
  expect({ status: verified.status, faults: verified.stderr }).toEqual({ status: 0, faults: "" });
  const args = ["security", "--offline=true", "--no-pager", file];
  const { stdout } = spawnSync("systemd-analyze", args, { encoding: "utf8" });
  return Number(/Overall exposure level .*: ([\d.]+)/.exec(stdout)?.[1] ?? Number.NaN);
}
