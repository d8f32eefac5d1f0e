// Registration tokens, remove tokens and JIT configs: what lets a machine become a runner of an owner or repository.
import { ApiError } from "./endpoints/api-error.ts";
import type { Limits } from "./limits.ts";
import type { RunnerGroup, RunnerRecord, Scope } from "./records.ts";
import { registerRunner } from "./runner-state.ts";
import { DEFAULT_GROUP, sameScope, secret, type World } from "./world.ts";

export type Registrations = {
  token(kind: TokenKind, scope: Scope): { readonly token: string; readonly expiresAt: number };
  /** @throws ApiError 404 when the token is unknown, expired, of another scope or of the other kind. */
  checkToken(kind: TokenKind, token: string, scope: Scope): void;
  /** @throws ApiError 409 name taken, 422 labels or unknown group. */
  jit(scope: Scope, body: Readonly<Record<string, unknown>>): JitRegistration;
  /** For config.sh, after its token was checked. @throws ApiError 409 name taken, 422 unknown group. */
  configure(scope: Scope, body: Readonly<Record<string, unknown>>): RunnerRecord;
};

type TokenKind = "registration" | "remove";
type JitRegistration = { readonly runner: RunnerRecord; readonly encodedJitConfig: string };

const TOKEN_LIFE_MS = 60 * 60 * 1_000;
const MOST_LABELS = 100;
const LONGEST_LABEL = 256;
const SYSTEM_LABELS = ["self-hosted", "Linux", process.arch === "arm64" ? "ARM64" : "X64"];

export function createRegistrations(deps: {
  readonly world: World;
  readonly now: () => number;
  readonly limits: Limits;
  readonly webUrl: () => string;
  readonly onRegistered: (runner: RunnerRecord) => void;
  readonly removeRunner: (runner: RunnerRecord) => void;
}): Registrations {
  const { world, now } = deps;
  const tokens = new Map<string, { kind: TokenKind; scope: Scope; expiresAt: number }>();

  function register(scope: Scope, registration: Parameters<typeof registerRunner>[2]): RunnerRecord {
    deps.limits.countRegistration(scope.owner.id);
    const runner = registerRunner(world, scope, registration, now());
    deps.onRegistered(runner);
    return runner;
  }

  function refuseTaken(scope: Scope, name: string): void {
    if (world.findRunner(scope, name) === undefined) return;
    throw new ApiError(409, `Already exists - A runner with the name ${name} already exists.`);
  }

  return {
    token(kind, scope) {
      const token = secret(24).replaceAll(/[-_]/g, "A").toUpperCase().slice(0, 29);
      const expiresAt = now() + TOKEN_LIFE_MS;
      tokens.set(token, { kind, scope, expiresAt });
      return { token, expiresAt };
    },
    checkToken(kind, token, scope) {
      // config.sh --pat
      const personal = world.personalTokens.get(token);
      if (personal !== undefined && (personal.owner ?? scope.owner) === scope.owner) return;
      const known = tokens.get(token);
      const valid = known?.kind === kind && known.expiresAt > now() && sameScope(known.scope, scope);
      if (!valid) throw new ApiError(404, "Not Found");
    },
    jit(scope, body) {
      const name = String(body["name"] ?? "");
      const labels = checkedLabels(body["labels"]);
      const group = groupById(scope, body["runner_group_id"]);
      if (name === "") throw invalid("name is missing");
      refuseTaken(scope, name);
      const workFolder = String(body["work_folder"] ?? "_work");
      const runner = register(scope, { name, labels, group, workFolder, ephemeral: true, jit: true });
      return { runner, encodedJitConfig: encodeJitConfig(runner, deps.webUrl()) };
    },
    configure(scope, body) {
      const name = String(body["name"]);
      const group = groupByName(scope, body["group"] as string | undefined);
      const taken = world.findRunner(scope, name);
      if (taken !== undefined && body["replace"] !== true) refuseTaken(scope, name);
      if (taken !== undefined) deps.removeRunner(taken);
      return register(scope, {
        name,
        group,
        labels: body["labels"] as string[],
        systemLabels: body["defaultLabels"] === true ? SYSTEM_LABELS : [],
        ephemeral: body["ephemeral"] === true,
        jit: false,
        workFolder: String(body["workFolder"]),
        version: String(body["version"]),
      });
    },
  };
}

/** The files of a configured runner, as config.sh writes them and a JIT config carries them. */
export function runnerFiles(runner: RunnerRecord, webUrl: string): Record<string, string> {
  const path = [
    runner.owner.login,
    ...(runner.repository === undefined ? [] : [runner.repository.name]),
  ].join("/");
  const settings = {
    agentId: runner.id,
    agentName: runner.name,
    poolId: runner.group.id,
    poolName: runner.group.name,
    ephemeral: runner.ephemeral,
    disableUpdate: true,
    serverUrl: `${webUrl}/_stand-in`,
    gitHubUrl: `${webUrl}/${path}`,
    workFolder: runner.workFolder,
  };
  const credentials = { scheme: "OAuth", data: { clientId: runner.credential, authorizationUrl: webUrl } };
  return {
    ".runner": JSON.stringify(settings, undefined, 2),
    ".credentials": JSON.stringify(credentials, undefined, 2),
    ".credentials_rsaparams": JSON.stringify({ d: secret(32), modulus: secret(32) }, undefined, 2),
  };
}

function encodeJitConfig(runner: RunnerRecord, webUrl: string): string {
  const files = Object.entries(runnerFiles(runner, webUrl));
  const encoded = Object.fromEntries(
    files.map(([name, text]) => [name, Buffer.from(text).toString("base64")]),
  );
  return Buffer.from(JSON.stringify(encoded)).toString("base64");
}

function checkedLabels(given: unknown): string[] {
  if (!Array.isArray(given) || given.length === 0 || given.length > MOST_LABELS)
    throw invalid(`labels must have 1 to ${MOST_LABELS} items`);
  const wrong = given.find(
    (label) => typeof label !== "string" || label === "" || label.length > LONGEST_LABEL,
  );
  if (wrong !== undefined) throw invalid(`labels must be 1 to ${LONGEST_LABEL} characters long`);
  return given as string[];
}

function groupById({ owner }: Scope, id: unknown): RunnerGroup {
  const group = owner.runnerGroups.find((each) => each.id === id);
  if (group === undefined) throw invalid(`runner group ${String(id)} does not exist`);
  return group;
}

function groupByName({ owner }: Scope, name: string | undefined): RunnerGroup {
  if (name === undefined) return DEFAULT_GROUP;
  const group = owner.runnerGroups.find((each) => each.name.toLowerCase() === name.toLowerCase());
  if (group === undefined)
    throw new ApiError(422, `Could not find any self-hosted runner group named "${name}".`);
  return group;
}

function invalid(fault: string): ApiError {
  return new ApiError(422, "Validation Failed", { errors: [fault] });
}
