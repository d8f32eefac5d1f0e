// Where a worker finds its supervisor.

/** The number of an open file. Of the WORKER_ kind, which no runner sees. */
export const CHANNEL_VARIABLE = "WORKER_SUPERVISOR_FD";
export const CHANNEL_FD = 3;
