// Containers without processes, for tests that play the worker themselves.
import type { ContainerSpec, PodRunner, RunningContainer } from "./container.ts";

export type ScriptedContainer = {
  readonly spec: ContainerSpec;
  exit(code: number, result?: string): void;
  print(line: string): void;
  /** Signals that it got. */
  readonly signals: readonly string[];
};

export type ScriptedRunner = {
  readonly run: PodRunner;
  readonly containers: readonly ScriptedContainer[];
  /** Containers go on after TERM. */
  ignoreTerm: boolean;
};

export function createScriptedRunner(): ScriptedRunner {
  const containers: ScriptedContainer[] = [];
  const runner: ScriptedRunner = {
    containers,
    ignoreTerm: false,
    run(spec: ContainerSpec): RunningContainer {
      const lines: string[] = [];
      const signals: string[] = [];
      let left = "";
      const { promise: ended, resolve } = Promise.withResolvers<number>();
      containers.push({
        spec,
        signals,
        print: (line) => void lines.push(line),
        exit(code, result = "") {
          left = result;
          resolve(code);
        },
      });
      return {
        ended,
        term() {
          signals.push("TERM");
          if (!runner.ignoreTerm) resolve(143);
        },
        kill() {
          signals.push("KILL");
          resolve(137);
        },
        log: () => lines.map((line) => `${line}\n`).join(""),
        result: () => left,
      };
    },
  };
  return runner;
}
