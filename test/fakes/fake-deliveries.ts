// GitHub's log of hook deliveries, in memory: each word that was sent, every try, and which of them we answered.
import { randomUUID } from "node:crypto";
import type { WorkflowJobWord } from "../../shared/domain/github-event.ts";
import type { Clock } from "../../shared/ports/clock.ts";
import { GithubError, type HookDelivery } from "../../shared/ports/github.ts";

export type FakeDeliveries = {
  /** Words not yet taken for delivery, oldest first. Each that is taken is a try: failed unless `answered` is called. */
  takeOutbox(): WorkflowJobWord[];
  /** The newest try of this very word met a 2xx in time. */
  answered(word: WorkflowJobWord): void;
  /** What GitHub makes a delivery of; a word that it does not emit is in no log. All are emitted unless this is set. */
  emits: (word: WorkflowJobWord) => boolean;
  /** Tries on a page of the log; 100 unless a test cannot make so many. */
  deliveriesPerPage: number;
  /** Every try so far, newest first. */
  readonly deliveryLog: readonly HookDelivery[];
  say(word: WorkflowJobWord): void;
  page(cursor: string | undefined): { deliveries: HookDelivery[]; next: string | undefined };
  redeliver(id: string): void;
};

const DAY_MS = 86_400_000;
/** GitHub forgets a delivery after this. */
const KEPT_MS = 3 * DAY_MS;
/** Beyond 2^53, as GitHub's are: an id that went through a number is not found. */
const FIRST_ID = 2n ** 57n + 1n;

export function createFakeDeliveries(clock: Clock): FakeDeliveries {
  const outbox: WorkflowJobWord[] = [];
  const guids = new Map<WorkflowJobWord, string>();
  const words = new Map<string, WorkflowJobWord>();
  let log: HookDelivery[] = [];
  let nextId = FIRST_ID;

  const fake: FakeDeliveries = {
    emits: () => true,
    deliveriesPerPage: 100,
    get deliveryLog() {
      return log;
    },
    say(word) {
      if (!fake.emits(word)) return;
      const guid = randomUUID();
      guids.set(word, guid);
      words.set(guid, word);
      outbox.push(word);
    },
    takeOutbox() {
      const taken = outbox.splice(0);
      for (const word of taken) log.unshift(tryOf(word));
      return taken;
    },
    answered(word) {
      const at = log.findIndex(({ guid }) => guid === guids.get(word));
      const newest = log[at];
      if (newest !== undefined) log[at] = { ...newest, ok: true };
    },
    page(cursor) {
      forgetOld();
      const from = cursor === undefined ? 0 : log.findIndex(({ id }) => BigInt(id) <= BigInt(cursor));
      const end = from + fake.deliveriesPerPage;
      return { deliveries: from < 0 ? [] : log.slice(from, end), next: from < 0 ? undefined : log[end]?.id };
    },
    redeliver(id) {
      forgetOld();
      const word = words.get(log.find((one) => one.id === id)?.guid ?? "");
      if (word === undefined) {
        throw new GithubError(`the fake GitHub has no delivery ${id}`, { fault: "not-found", status: 404 });
      }
      outbox.push(word);
    },
  };
  return fake;

  function tryOf(word: WorkflowJobWord): HookDelivery {
    return {
      id: String(nextId++),
      guid: guids.get(word) ?? "",
      deliveredAt: clock.now(),
      ok: false,
      event: "workflow_job",
      action: word.status,
    };
  }

  function forgetOld(): void {
    const oldest = clock.now() - KEPT_MS;
    if ((log.at(-1)?.deliveredAt ?? oldest) < oldest) {
      log = log.filter(({ deliveredAt }) => deliveredAt >= oldest);
    }
  }
}
