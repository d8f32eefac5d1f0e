import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decideIdentity, parseCapabilities } from "../../../worker/supervisor/decide-identity.ts";
import { encode, type Request, requestReader } from "../../../worker/supervisor/protocol.ts";

const PASSWD =
  "root:x:0:0::/root:/bin/sh\nrunner:x:1001:1001::/home/runner:/bin/bash\nworker:x:1002:1002::/:/bin/sh\n";
const FOUR = parseCapabilities("CapPrm:\t00\nCapEff:\t00000000000000e1\n");

describe("who runs as whom", () => {
  it.each([
    { env: {}, uid: 0, type: "two" },
    { env: { RUNNER_USER: "7:8", WORKER_USER: "9:9" }, uid: 0, type: "two" },
    { env: {}, uid: 1001, type: "one" },
    { env: { RUNNER_ALLOW_RUNASROOT: "1" }, uid: 0, type: "one" },
    { env: { RUNNER_USER: "nobody-knows" }, uid: 0, type: "impossible" },
    { env: { WORKER_USER: "nobody-knows" }, uid: 0, type: "impossible" },
    { env: { RUNNER_USER: "worker" }, uid: 0, type: "impossible" },
    { env: { RUNNER_USER: "root" }, uid: 0, type: "impossible" },
    { env: { WORKER_USER: "0:0" }, uid: 0, type: "impossible" },
  ])("$env as $uid: $type", ({ env, uid, type }) => {
    expect(decideIdentity(env, PASSWD, uid, FOUR)).toMatchObject({ type });
  });

  it("is worth a warning for root alone", () => {
    expect(decideIdentity({ RUNNER_ALLOW_RUNASROOT: "1" }, PASSWD, 0, FOUR)).toMatchObject({ warning: true });
    expect(decideIdentity({}, PASSWD, 1001, FOUR)).toMatchObject({ warning: false });
  });

  it.each([
    [0, "CHOWN"],
    [5, "KILL"],
    [6, "SETGID"],
    [7, "SETUID"],
  ])("needs the capability %s, %s", (bit, name) => {
    const message = expect.stringContaining(`without the capabilities ${name}.`);
    const lacking = FOUR & ~(1n << BigInt(bit));
    expect(decideIdentity({}, PASSWD, 0, lacking)).toEqual({ type: "impossible", message });
  });

  it("takes a status that says nothing for no capabilities", () => {
    expect(parseCapabilities("Name:\tnode\n")).toBe(0n);
  });
});

describe("the words between worker and supervisor", () => {
  const start: Request = {
    type: "start",
    id: 1,
    program: "sh",
    args: ["-c", "é\n"],
    cwd: "/",
    env: { A: "b=c" },
  };

  it("are heard as they were said, however they are cut", () => {
    const said: Request[] = [start, { type: "signal", id: 1, signal: "SIGINT" }, { type: "clean" }];
    const bytes = Buffer.from(said.map(encode).join(""));
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length)), (cuts) => {
        expect(hear(pieces(bytes, cuts))).toEqual({ heard: said, faults: 0 });
      }),
    );
  });

  it.each([
    ["nothing known", '{"type":"exec"}'],
    ["no message", "start"],
    ["another user", JSON.stringify({ ...start, uid: 0 })],
    ["another signal", '{"type":"signal","id":1,"signal":"SIGSTOP"}'],
    ["a process of its own choice", '{"type":"signal","id":-1,"signal":"SIGKILL"}'],
    ["another folder", '{"type":"clean","path":"/etc"}'],
    ["an option of setpriv", JSON.stringify({ ...start, program: "--reuid=0" })],
    ["a relative folder", JSON.stringify({ ...start, cwd: "etc" })],
    ["a broken variable", JSON.stringify({ ...start, env: { "A=B": "" } })],
    ["a cut string", JSON.stringify({ ...start, args: ["a\0b"] })],
  ])("hold %s", (_name, line) => {
    expect(hear([Buffer.from(`${line}\n${encode({ type: "clean" })}`)])).toEqual({ heard: [], faults: 1 });
  });
});

function hear(chunks: readonly Buffer[]): { heard: Request[]; faults: number } {
  const heard: Request[] = [];
  let faults = 0;
  const read = requestReader(
    (request) => heard.push(request),
    () => {
      faults += 1;
    },
  );
  for (const chunk of chunks) read(chunk);
  return { heard, faults };
}

function pieces(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const ends = [0, ...[...cuts].sort((a, b) => a - b), bytes.length];
  return ends.slice(1).map((end, index) => bytes.subarray(ends[index], end));
}
