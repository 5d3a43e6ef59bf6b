/** The level of full snapshots in a Litestream bucket. */
export const SNAPSHOT_LEVEL = 9
