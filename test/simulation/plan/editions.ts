// Editions of the simulated world: what a seed means is fixed with the edition that it was found in.
//
// Whatever is new draws from a stream of its own (`derived(seed, name)`) and comes with a new edition only. So the seeds of
// the editions before keep their meaning: their jobs, their faults and the moments of both stay as they were.

/**
 * 1: jobs, asks and 49 kinds of fault.
 * 2: besides, calls for jobs that are made twice, slow pools and a slow GitHub; runs in which many programs ask and are
 * asked at the same instant, and runs with hundreds of jobs at once. 3: besides, wall clocks that step.
 */
export const EDITIONS = [1, 2, 3] as const;
export type Edition = (typeof EDITIONS)[number];

/** What is played where nobody asks for another. */
export const NEWEST: Edition = 3;
