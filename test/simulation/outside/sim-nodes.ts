// The machines of a pool that has such: a container runs on one of them, and waits while none has room for it.
import type { PoolNode } from "../../../shared/domain/pool/pool.ts";
import type { ScenePool } from "../scenery.ts";

/** The part of a container that its place follows from. */
export type Placed = { readonly spec: { readonly cards: number }; node: string | undefined; state: string };

export type SimNodes = {
  /** On the node that it fills best; false: none has room. */
  place(container: Placed): boolean;
  view(): PoolNode[];
};

export function createSimNodes(
  nodes: NonNullable<ScenePool["nodes"]>,
  all: () => Iterable<Placed>,
): SimNodes {
  return { place, view };

  function place(container: Placed): boolean {
    const fitting = view().filter(({ free }) => free >= container.spec.cards);
    const [best] = fitting.sort((a, b) => a.free - b.free);
    container.node = best?.name;
    return best !== undefined;
  }

  function view(): PoolNode[] {
    const used = new Map<string | undefined, number>();
    for (const { node, state, spec } of all()) {
      if (state === "alive") used.set(node, (used.get(node) ?? 0) + spec.cards);
    }
    return nodes.map(({ name, total }) => ({ name, total, free: total - (used.get(name) ?? 0) }));
  }
}
