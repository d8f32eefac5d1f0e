// What keeps the single-process server from starting, in sentences for its operator.
import { mkdirSync } from "node:fs";
import { inspect } from "node:util";
import { parseAppKey } from "../../shared/adapters/github/app-key.ts";
import type { Config, ConfigFault } from "../../shared/config/config.ts";
import type { Redacted } from "../../shared/redacted.ts";

/** Of an exception: its sentence and those of its causes; where it was thrown only with `isDebug`. */
export function startFault(error: unknown, { isDebug }: { readonly isDebug: boolean }): string {
  const advice = isDebug ? inspect(error) : "LOG_LEVEL=debug shows where in the program it arose.";
  return listenFault(error) ?? `${sentencesOf(error).join("\n  ")}\n${advice}`;
}

export function appKeyFaults(key: Redacted | undefined): ConfigFault[] {
  if (key === undefined) return [];
  try {
    parseAppKey(key);
    return [];
  } catch (error) {
    const fix = "Name the .pem file in GITHUB_APP_PRIVATE_KEY_FILE.";
    return [{ path: "GITHUB_APP_PRIVATE_KEY", message: (error as Error).message, fix }];
  }
}

/** What the dispatcher itself calls 127.0.0.1 is another machine to a container, but for the host's own network. */
export function publicUrlFaults({ pools, publicUrl }: Config): ConfigFault[] {
  const inNeed = pools.filter(
    (pool) => pool.driver === "kubernetes" || (pool.driver === "docker" && pool.docker.network !== "host"),
  );
  if (publicUrl !== undefined || inNeed.length === 0) return [];
  const names = inNeed.map(({ name }) => name).join(", ");
  const message = `It is not set, and the containers of ${names} must reach this dispatcher.`;
  const fix = "Set it in dispatch.yaml to a URL that leads here from them: https://dispatch.example.org.";
  return [{ path: "publicUrl", message, fix }];
}

/**
 * What works all the same in some ways. config.sh of actions/runner drops the port (ConfigurationManager.cs:823-833 of
 * 258d6c857), and asks the host's usual one. Undefined: nothing to say; a port on this machine is a stand-in's.
 */
export function githubPortRemark(apiUrl: string): string | undefined {
  const { host, hostname, port } = new URL(apiUrl);
  if (port === "" || ["127.0.0.1", "localhost", "[::1]"].includes(hostname)) return undefined;
  return `GITHUB_API_URL names ${host}, but actions/runner drops the port when it registers with a token, and asks ${hostname}. Give GitHub its usual port (443 for https), or write registration: jit in dispatch.yaml.`;
}

export function dataFaults(dir: string): ConfigFault[] {
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    return [];
  } catch (error) {
    const message = `The data folder ${dir} cannot be made (${(error as { code?: string }).code}).`;
    return [
      { path: "DISPATCH_DATA", message, fix: "Name a folder that this user may write to with --data." },
    ];
  }
}

/** Node's errors of listen name address and port. */
function listenFault(error: unknown): string | undefined {
  const { code, syscall, address, port } = error as { [name: string]: unknown };
  if (syscall !== "listen") return undefined;
  const said: { readonly [code: string]: string } = {
    EADDRINUSE: `Another program listens at ${address}:${port}.\n  Stop it, or choose another port with --port.`,
    EADDRNOTAVAIL: `${address} is no address of this machine.\n  Set --host to one that is, or to 0.0.0.0 for all.`,
    EACCES: `This user may not listen at port ${port}.\n  Choose one above 1023 with --port.`,
  };
  return said[String(code)];
}

function sentencesOf(error: unknown): string[] {
  if (!(error instanceof Error)) return [String(error)];
  const { message, cause } = error;
  const deeper = cause === undefined ? [] : sentencesOf(cause);
  // Most sentences of ours quote their cause.
  return [message, ...deeper.filter((sentence) => !message.includes(sentence))];
}
