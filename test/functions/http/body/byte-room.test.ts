// Room for bytes: of one owner, of all, given back, waited for, and taken from the slowest where nobody is known.
import { describe, expect, test } from "vitest";
import { ByteRoom, type Held } from "../../../../functions/http/body/byte-room.ts";
import { createPace } from "../../../../functions/http/body/pace.ts";

const KB = 1_000;
const A = { key: "a", bytesUnderWay: 300 * KB };
const B = { key: "b", bytesUnderWay: 300 * KB };
const never = new AbortController().signal;
const held = (taken: { readonly type: string }) => taken as Held;

describe("room", () => {
  test("an owner has so much at a time, and what is released can be taken again", () => {
    const room = new ByteRoom(1_000 * KB);
    const first = held(room.take(A, 200 * KB));
    expect(room.take(A, 200 * KB)).toEqual({ type: "full", whose: "owner" });
    expect(room.take(B, 200 * KB).type).toBe("held");
    first.release();
    first.release();
    expect(room.taken).toBe(200 * KB);
    expect(room.take(A, 200 * KB).type).toBe("held");
  });

  test("a body alone may be larger than its owner's room, and than all of it", () => {
    const room = new ByteRoom(100 * KB);
    const large = held(room.take(A, 900 * KB));
    expect(room.take(B, 70 * KB)).toEqual({ type: "full", whose: "all" });
    large.release();
    expect(room.take(B, 70 * KB).type).toBe("held");
  });

  test("small ones count in all only, until they have grown", () => {
    const room = new ByteRoom(500 * KB);
    held(room.take(A, 290 * KB));
    const small = held(room.take(A, 50 * KB));
    expect(small.add(10 * KB)).toBeUndefined();
    expect(small.add(10 * KB)).toEqual({ type: "full", whose: "owner" });
    expect(room.taken).toBe(350 * KB);
    small.release();
    expect(room.taken).toBe(290 * KB);
  });

  test("whoever waits gets what is released, or is told when the time is over", async () => {
    const room = new ByteRoom(1_000 * KB);
    const first = held(room.take(A, 250 * KB));
    const waiting = room.wait(A, 250 * KB, { ms: 60_000, signal: never });
    first.release();
    expect((await waiting).type).toBe("held");
    expect(await room.wait(A, 250 * KB, { ms: 5, signal: never })).toEqual({ type: "full", whose: "owner" });
    expect(await room.wait(A, 250 * KB, { ms: 60_000, signal: AbortSignal.abort() })).toMatchObject({
      type: "full",
    });
  });

  test("of those that nobody knows the one under way longest gives way", () => {
    const room = new ByteRoom(100 * KB);
    const gave: string[] = [];
    const takes = new Map<string, Held>();
    const come = (name: string, bytes: number) => {
      const taken = held(room.take(A, 0, () => void gave.push(name)));
      takes.set(name, taken);
      return taken.add(bytes);
    };
    for (const name of ["first", "second", "third"]) expect(come(name, 40 * KB)).toBeUndefined();
    expect(gave).toEqual(["first"]);
    expect(room.taken).toBe(80 * KB);
    // Not itself: that would be given back twice.
    expect(takes.get("second")?.add(40 * KB)).toBeUndefined();
    expect(gave).toEqual(["first", "third"]);
    // Alone it has room.
    expect(takes.get("second")?.add(40 * KB)).toBeUndefined();
    for (const one of takes.values()) one.release();
    expect(room.taken).toBe(0);
  });
});

describe("pace", () => {
  test("5 s of it pass at once, what is above waits, and idle time is not saved up", () => {
    let now = 0;
    const pace = createPace(() => now);
    const owner = { key: "a", bytesPerSecond: 100 };
    expect(pace(owner, 500)).toBe(0);
    expect(pace(owner, 100)).toBe(1_000);
    expect(pace({ key: "b", bytesPerSecond: 100 }, 100)).toBe(0);
    now += 60_000;
    expect(pace(owner, 500)).toBe(0);
    expect(pace(owner, 10)).toBe(100);
  });
});
