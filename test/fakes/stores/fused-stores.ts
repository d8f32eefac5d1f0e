// All stores behind one fuse.
import type { ApiStores } from "../../../shared/ports/api-store.ts";
import type { Stores } from "../../../shared/ports/store.ts";
import type { Fuse } from "./fuse.ts";

/** The deployment id is read once, before anything happens. */
export function fusedStores(fuse: Fuse, { deployment, ...stores }: Stores): Stores {
  return {
    jobs: fuse.wrap(stores.jobs),
    workers: fuse.wrap(stores.workers),
    pools: fuse.wrap(stores.pools),
    lanes: fuse.wrap(stores.lanes),
    tenants: fuse.wrap(stores.tenants),
    nearMisses: fuse.wrap(stores.nearMisses),
    due: fuse.wrap(stores.due),
    marks: fuse.wrap(stores.marks),
    repositories: fuse.wrap(stores.repositories),
    deployment,
  };
}

export function fusedApiStores(fuse: Fuse, stores: ApiStores): ApiStores {
  return {
    payloads: fuse.wrap(stores.payloads),
    stored: fuse.wrap(stores.stored),
    chunks: fuse.wrap(stores.chunks),
    apiKeys: fuse.wrap(stores.apiKeys),
    apiJobs: fuse.wrap(stores.apiJobs),
    counts: fuse.wrap(stores.counts),
  };
}
