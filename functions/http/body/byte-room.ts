// How many bytes of bodies and answers may be under way at once: of one owner, and of all together.

export type RoomOwner = {
  readonly key: string;
  /** That it may have under way; one body alone may be larger. */
  readonly bytesUnderWay: number;
};

export type Held = {
  readonly type: "held";
  /** More of the same body; where there is no room for it, nothing is added. */
  readonly add: (bytes: number) => Full | undefined;
  /** When the bytes are no longer in memory; repeats are harmless. */
  readonly release: () => void;
};
export type Full = { readonly type: "full"; readonly whose: "owner" | "all" };

/**
 * Bodies up to this size count in all, not for their owner: many small ones are the rate limits' business, and a tenant
 * whose large ones fill its room can still run and cancel.
 */
export const SMALL_BYTES = 65_536;

type Hold = { bytes: number; large: boolean };
type Wait = { readonly ms: number; readonly signal: AbortSignal };

export class ByteRoom {
  readonly #most: number;
  readonly #ofOwner = new Map<string, number>();
  /** In the order in which they came. */
  readonly #givers = new Map<Hold, () => void>();
  #inAll = 0;
  #freed = Promise.withResolvers<void>();

  /** `most`: of all owners, bytes. */
  constructor(most: number) {
    this.#most = most;
  }

  /** Of all owners. */
  get taken(): number {
    return this.#inAll;
  }

  /**
   * `giveWay`: called at most once, when room is needed and this one has been under way longest; its bytes are given
   * back.
   */
  take(owner: RoomOwner, bytes: number, giveWay?: () => void): Held | Full {
    const hold: Hold = { bytes: 0, large: false };
    const full = this.#grow(owner, hold, bytes);
    if (full !== undefined) return full;
    const release = () => {
      this.#givers.delete(hold);
      this.#shrink(owner, hold);
    };
    if (giveWay !== undefined) {
      this.#givers.set(hold, () => {
        giveWay();
        release();
      });
    }
    return { type: "held", add: (more) => this.#grow(owner, hold, more), release };
  }

  /** Waits for room while there is none. */
  async wait(owner: RoomOwner, bytes: number, { ms, signal }: Wait): Promise<Held | Full> {
    const first = this.take(owner, bytes);
    if (first.type === "held") return first;
    const over = AbortSignal.any([signal, AbortSignal.timeout(ms)]);
    const end = new Promise<void>((resolve) => over.addEventListener("abort", () => resolve()));
    for (;;) {
      const taken = this.take(owner, bytes);
      if (taken.type === "held" || over.aborted) return taken;
      await Promise.race([this.#freed.promise, end]);
    }
  }

  #grow(owner: RoomOwner, hold: Hold, more: number): Full | undefined {
    const bytes = hold.bytes + more;
    const large = bytes > SMALL_BYTES;
    const others = (this.#ofOwner.get(owner.key) ?? 0) - (hold.large ? hold.bytes : 0);
    if (large && others > 0 && others + bytes > owner.bytesUnderWay) return { type: "full", whose: "owner" };
    if (!this.#makeRoom(more, hold)) return { type: "full", whose: "all" };
    this.#inAll += more;
    if (large) this.#ofOwner.set(owner.key, others + bytes);
    Object.assign(hold, { bytes, large });
    return undefined;
  }

  /** Whoever is alone has room. */
  #makeRoom(more: number, hold: Hold): boolean {
    const fits = () => this.#inAll + more <= this.#most || this.#inAll === hold.bytes;
    for (const [other, giveWay] of this.#givers) {
      if (fits()) return true;
      if (other !== hold) giveWay();
    }
    return fits();
  }

  #shrink({ key }: RoomOwner, hold: Hold): void {
    this.#inAll -= hold.bytes;
    const left = (this.#ofOwner.get(key) ?? 0) - (hold.large ? hold.bytes : 0);
    if (left > 0) this.#ofOwner.set(key, left);
    else this.#ofOwner.delete(key);
    Object.assign(hold, { bytes: 0, large: false });
    this.#freed.resolve();
    this.#freed = Promise.withResolvers();
  }
}
