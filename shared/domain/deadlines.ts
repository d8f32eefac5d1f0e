// Every duration the product waits for, in one place, each with the reason for its number.

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/**
 * A worker record that is still `reserving` after this was left by a crash: the start is resumed. A pass takes well under
 * 5 s.
 */
export const RESUME_START_MS = 30 * SECOND;
/** Default time from the pool's "started" to the first job-take: CANN images are 15-30 GB, a cold pull takes minutes. */
export const BOOT_MS = 15 * MINUTE;
/**
 * From job-take to `Listening for Jobs`: preflight may wait 60 s for a busy card and 60 s for memory, config.sh up to 60
 * s.
 */
export const PREPARE_MS = 5 * MINUTE;
/**
 * Idle limit of a listening runner. Ubicloud raised its own from 2 to 5 minutes after late assignments (ubicloud#1220,
 * #2957).
 */
export const IDLE_MS = 5 * MINUTE;
/**
 * Idle limit of a program. It costs nobody a place (dispatch/make-way.ts), and what it saves is the start of a container
 * and the loading of a model, minutes for tens of GB. RunPod's default of 5 s is for cards that are paid by the second.
 */
export const WARM_MS = 5 * MINUTE;
/**
 * A runner that has listened for this long without a job is looked for at GitHub: one that lost the race for its job never
 * exits (actions/runner#4617), and an idle JIT registration may be removed after 2 to 6 minutes (actions/runner#4726).
 */
export const GHOST_CHECK_MS = 3 * MINUTE;
/**
 * A worker that was asked to drain is looked at again after this: one INT and a report, with room for GitHub being slow.
 */
export const DRAIN_MS = 2 * MINUTE;
/**
 * An operator's drain asks a runner only when it has listened for this long without a job: GitHub gives one out within
 * seconds, and an interrupt in just that moment would cancel it.
 */
export const OPERATOR_DRAIN_MS = 30 * SECOND;
/** A worker without a job of its own, kept while equal jobs are not assigned yet, is looked at again after this. */
export const SPARE_RECHECK_MS = 30 * SECOND;
/** RunPod's SDK pings every 10 s by default; ours too. */
export const PING_MS = 10 * SECOND;
/**
 * What two processes note within this time has no order: their clocks differ by less, NTP keeps them within some 100 ms.
 */
export const CLOCK_SKEW_MS = 5 * SECOND;
/** Pings that leave out a job which the program had: its result is lost. The first may have been under way already. */
export const LEASE_MISSED_MS = 2 * PING_MS;
/** A program takes no further job this long after its start: whatever it has gathered, memory or files, goes with it. */
export const PROGRAM_LIFE_MS = DAY;
/** Heartbeats are written at most this often per worker: two writes a minute. */
export const HEARTBEAT_WRITE_MS = 30 * SECOND;
/** Without a heartbeat for this long the pool is asked whether the worker lives: three written heartbeats missed. */
export const HEARTBEAT_LOST_MS = 100 * SECOND;
/** A pool that still shows a silent worker as running is asked again after this. */
export const SILENT_RECHECK_MS = 60 * SECOND;
/** A worker reports its end for this long to a silent dispatcher, then leaves the result with the pool. */
export const REPORT_RETRY_MS = 10 * MINUTE;
/** Default execution limit of a runner endpoint. */
export const EXECUTION_MS = 6 * HOUR;
/** TERM to KILL: the runner reports a cancelled job to GitHub within seconds, artifacts may take longer. */
export const STOP_GRACE_MS = 30 * SECOND;
/** TERM to KILL of a worker that has already reported its end: nothing is left to save. */
export const FINISHED_GRACE_MS = 5 * SECOND;
/** A pool that is still stopping a worker is asked again after this. */
export const STOPPING_RECHECK_MS = 5 * SECOND;
/** After a worker's end GitHub's `completed` is awaited this long before one GET asks for it; deliveries take P90 3 s. */
export const GITHUB_WORD_MS = 20 * SECOND;
/** An API job that names a worker which has not taken it yet is compared with that worker after this, and again. */
export const PAIRING_CHECK_MS = MINUTE;
/** One in progress too: the ends of workers are told, and a look costs a write. The first one comes after a minute. */
export const PAIRING_RECHECK_MS = 5 * MINUTE;
/** A `queued` of a job created before this is believed when GitHub says so too; deliveries take P99 seconds. */
export const LATE_WORD_MS = 3 * MINUTE;
/** When GitHub could not be asked, or still says in_progress, ask again after this. */
export const GITHUB_RECHECK_MS = 60 * SECOND;
/**
 * Longest pause between two tries to remove a registration that GitHub still counts a job on: it gives one up after 10
 * min or so.
 */
export const REMOVAL_RETRY_MAX_MS = 10 * MINUTE;
/** Longest pause between two questions about a job that GitHub does not know, or may not tell us about. */
export const GITHUB_UNKNOWN_MAX_MS = HOUR;
/** GitHub is asked this often whether a gate has closed: approvals may take 30 days, and one refused may never be told. */
export const GATE_CHECK_MS = HOUR;
/**
 * A job that waits for cards is asked about after this: GitHub cancels what no runner took within 24 h, and an hour later
 * its word of that has come or never will.
 */
export const WAITING_CHECK_MS = DAY + HOUR;
/**
 * A job that a worker was started for is looked at after this: by default boot, preparation and idle limit take 25
 * minutes, so that the worker runs it, has ended, or is not known any more.
 */
export const STARTED_CHECK_MS = 30 * MINUTE;
/**
 * A job that waits is looked at once after this: the change of its write may have been lost with the process or the
 * stream.
 */
export const ADMIT_MS = MINUTE;
/**
 * One reconcile pass at a time: longer than a pass, which begins nothing more after RECONCILE_WORK_MS and waits at most
 * 10 s for the call under way; a crashed holder blocks the next pass of a minute once.
 */
export const RECONCILE_LOCK_MS = 90 * SECOND;
/** A reconcile pass begins nothing more after this: what is left is due in the next one. */
export const RECONCILE_WORK_MS = 45 * SECOND;
/** A due item whose look failed waits this long, and behind all others: in one process passes come every 2 s. */
export const FAILED_ITEM_MS = 30 * SECOND;
/** What should not be there must be seen twice, this far apart, before it is cleaned up: listings lag behind by seconds. */
export const SECOND_SIGHT_MS = MINUTE;
/** The containers of a pool are compared with the records this often; one listing each. */
export const ORPHAN_LOOK_MS = MINUTE;
/** All owners' runner registrations are compared with the records once in this time: 6 listings an hour and owner. */
export const REGISTRATIONS_ROUND_MS = 10 * MINUTE;
/** Stops within this time count together for the brakes: a pass in the cloud, 45 of them in one process. */
export const BRAKES_WINDOW_MS = 90 * SECOND;
/** What the brakes halt is looked at again after this, within the window. */
export const BRAKES_RECHECK_MS = MINUTE;
/**
 * The brakes let go of what was seen so for this long: a pool that errs is noticed by then, the alarm comes each minute.
 */
export const BRAKES_HOLD_MS = 30 * MINUTE;
/** One dispatch pass holds its pool for at most this long; a crashed holder blocks the pool no longer. */
export const PASS_LOCK_MS = 20 * SECOND;
/** A pool that was away so shortly ago, and is so again, has been away all the time: it is asked about once a minute. */
export const SAME_OUTAGE_MS = 90 * SECOND;
/** From the end of a pause until the next pass has asked the pool again, its words still hold. */
export const PAUSE_OVERLAP_MS = 5 * SECOND;
/** A pool that asks for a longer pause is tried again all the same: somebody may have mended it. */
export const POOL_PAUSE_MAX_MS = 10 * MINUTE;
/** After the pool answered "unavailable" without saying for how long. */
export const POOL_RETRY_MS = 5 * SECOND;
/**
 * Other processes wrote a pool's item first for a second and more: what is left to do there is looked at again after
 * this.
 */
export const POOL_CONTENDED_MS = 5 * SECOND;
/** A failed start is retried after back-off between these. */
export const START_RETRY_MIN_MS = 2 * SECOND;
export const START_RETRY_MAX_MS = 60 * SECOND;
/**
 * A runner that listened in vain is tried again after back-off between these: what GitHub holds back (max-parallel, a
 * concurrency group, a runner group that does not admit it) lasts for minutes, and each try holds the cards for IDLE_MS.
 */
export const IDLE_RETRY = { minMs: 30 * SECOND, maxMs: 10 * MINUTE } as const;
/** After this many failed starts a job is held with the reason and tried slowly. */
export const MAX_FAST_STARTS = 3;
export const SLOW_RETRY_MS = 10 * MINUTE;
/** A registration token lives 1 h (GitHub); it is reused until this long before its end, so that config.sh has time. */
export const TOKEN_MARGIN_MS = 5 * MINUTE;
/** The last job of a repository is written down anew after this: one write a day, whatever it runs. */
export const REPOSITORY_SEEN_MS = DAY;
/** A card whose workers fail their preflight again and again is given to nobody for an hour, at most for a day. */
export const QUARANTINE_MS = HOUR;
export const QUARANTINE_MAX_MS = DAY;
/** A failure longer ago says nothing about the card as it is; longer than the longest quarantine, so that those add up. */
export const STRIKE_MEMORY_MS = 2 * DAY;
/**
 * A job whose turn it is, but that does not fit, lets smaller ones of other tenants pass for this long; then the cards
 * that become free are set aside for it. It starts when the longest job on them ends.
 */
export const AGING_MS = 5 * MINUTE;
/**
 * Cards beyond a tenant's part for so long count as one card more when tenants are compared; at most one is made up for.
 */
export const BALANCE_CARD_MS = 15 * MINUTE;
/**
 * What a tenant had beyond its part fades over this time (to 1/e): long against the jobs, short against a team's memory.
 */
export const BALANCE_MEMORY_MS = DAY;
/** History is kept for 30 days. */
export const HISTORY_MS = 30 * DAY;
/** GitHub cancels a job that no runner took within 24 h. */
export const GITHUB_QUEUE_MS = DAY;
/** RunPod's bounds and defaults of `policy`, so that a client written for it is neither refused nor surprised. */
export const MIN_EXECUTION_TIMEOUT_MS = 5 * SECOND;
export const DEFAULT_EXECUTION_TIMEOUT_MS = 10 * MINUTE;
export const MIN_TTL_MS = 10 * SECOND;
export const DEFAULT_TTL_MS = DAY;
export const MAX_POLICY_MS = 7 * DAY;
/** RunPod keeps the result of `/run` for 30 minutes after the end, that of `/runsync` for one. */
export const ASYNC_RESULT_MS = 30 * MINUTE;
export const SYNC_RESULT_MS = MINUTE;
/** RunPod tries a callback again twice, 10 s apart, and so do we. */
export const CALLBACK_RETRY_MS = 10 * SECOND;
/** A receiver that has not answered by then has failed this try. */
export const CALLBACK_TIMEOUT_MS = 10 * SECOND;
/**
 * Between two looks at the workflow run that holds an API job: who pressed cancel waits at most this long for the cards to
 * be free. GitHub allows 5,000 calls an hour per installation: 20 runs that wait at once cost a quarter of them.
 */
export const RUN_CHECK_MS = MINUTE;
/** After GitHub did not show the run (deleted, or the App may not read it): the job's idle limit and ttl still end it. */
export const RUN_UNKNOWN_MS = 10 * MINUTE;
