// What the cards of a pool are; `cpu`: it has none.
export type PoolKind = "npu" | "gpu" | "cpu";
