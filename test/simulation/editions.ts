// Editions of the simulated world: what a seed means is fixed with the edition that it was found in.

/** 1: jobs, asks and 49 kinds of fault. */
export const EDITIONS = [1] as const;
export type Edition = (typeof EDITIONS)[number];

/** What is played where nobody asks for another. */
export const NEWEST: Edition = 1;
