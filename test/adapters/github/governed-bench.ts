// Adapters of several processes before one GitHub stand-in and one store, on a clock that a test turns.
import { createSeal } from "../../../shared/adapters/crypto/seal.ts";
import { createGithub, type GithubAdapter, type GithubDeps } from "../../../shared/adapters/github/github.ts";
import { createStores } from "../../../shared/adapters/store/stores.ts";
import type { RunnerScope } from "../../../shared/domain/runner-scope.ts";
import type { Caller } from "../../../shared/ports/github.ts";
import type { Seal } from "../../../shared/ports/seal.ts";
import type { Stores } from "../../../shared/ports/store.ts";
import { redact } from "../../../shared/redacted.ts";
import { manualClock } from "../../fakes/clock.ts";
import { createCollectingLog } from "../../fakes/collecting-log.ts";
import { type GithubStandInOptions, startGithubStandIn } from "../../fakes/github/stand-in.ts";
import { seededRandom } from "../../fakes/seeded-random.ts";
import { createMemoryRows } from "../../fakes/stores/memory-rows.ts";

export const ORG = { type: "organization", org: "octo-org" } as const satisfies RunnerScope;
export const SECRET = redact("a secret of thirty-two characters or more");

export async function startGoverned(options: GithubStandInOptions = {}) {
  const clock = manualClock();
  const standIn = await startGithubStandIn({ now: clock.now, ...options });
  const { installationId } = standIn.addOrganization(ORG.org);
  const log = createCollectingLog();
  const rows = createMemoryRows();
  const stores = createStores(rows, { clock });
  let processes = 0;
  return {
    clock,
    standIn,
    installationId,
    log,
    rows,
    stores,
    caller: callerOf(installationId),
    /** The paths of the calls that reached GitHub, with their methods. */
    routes: () => standIn.clientCalls.map((call) => `${call.method} ${call.path.split("?")[0]}`),
    process: (more: Partial<GithubDeps> & { seal?: Seal; from?: Stores } = {}): GithubAdapter =>
      createGithub({
        app: { appId: String(standIn.appId), privateKey: redact(standIn.privateKey) },
        apiUrl: standIn.apiUrl,
        clock,
        random: seededRandom(++processes),
        log,
        pause: async () => undefined,
        keep: { marks: (more.from ?? stores).marks, seal: more.seal ?? createSeal(SECRET) },
        ...more,
      }),
    stop: () => standIn.stop(),
  };
}

export type Governed = Awaited<ReturnType<typeof startGoverned>>;

function callerOf(installationId: number | undefined): Caller {
  return { owner: { login: ORG.org, type: "Organization" }, installationId };
}
