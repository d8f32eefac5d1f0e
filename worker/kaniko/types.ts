// What every back end is handed.
import type { Sources } from "./locate-build.ts";
import type { Options } from "./parse-arguments.ts";

export type BuildDeps = {
  readonly env: { readonly [name: string]: string | undefined };
  readonly cwd: string;
  /** Undefined where the system has no users. */
  readonly uid: number | undefined;
  /** To stdout, as it is. */
  readonly print: (text: string | Uint8Array) => void;
  /** A builder's own words to stderr, as they are. */
  readonly printError: (text: Uint8Array) => void;
  /** One sentence to stderr. */
  readonly complain: (sentence: string) => void;
  /** Called for each signal that asks this command to end, until the returned function is called. */
  readonly onSignal: (handle: (signal: NodeJS.Signals) => void) => () => void;
};

export type Build = {
  readonly options: Options;
  readonly sources: Sources;
  /** The folder with config.json: credentials of registries. Undefined: there is none. */
  readonly config: string | undefined;
  readonly env: { readonly [name: string]: string | undefined };
  readonly deps: BuildDeps;
};
