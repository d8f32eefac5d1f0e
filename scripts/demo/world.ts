// What the demo needs of any form of the product.
import type { PoolDriver } from "../../shared/ports/pool-driver.ts";
import type { Stores } from "../../shared/ports/store.ts";
import type { GithubStandIn } from "../../test/fakes/github/stand-in.ts";

export type DemoWorld = {
  readonly github: GithubStandIn;
  readonly stores: Stores;
  readonly pool: PoolDriver;
  /** Lines about how it ran. */
  summary(): string[];
  close(): Promise<void>;
};
