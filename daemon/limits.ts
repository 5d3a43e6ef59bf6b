/** How many of a kind run at once, for each store. They wait for replies most of the time; snapshots do not. */
export const TASK_LIMITS = { open: 16, resume: 8, copy: 32, upload: 48, compact: 24, snapshot: 4, restore: 8 } as const

/** Databases that are closed, or synced once, at the same time. */
export const PARALLEL = 48

/** A database is parked when nothing was committed for so long. */
export const QUIET_MS = 10_000
