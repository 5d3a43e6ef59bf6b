import type { IdleWatch } from './idle-watch.ts'
import type { Scheduler } from './scheduler.ts'

/** What the replicators of one process share, so that an idle database costs next to nothing. */
export interface ReplicatorHost {
  readonly scheduler: Scheduler
  readonly idle: IdleWatch
  /** Park a database when nothing was committed for so long, in ms. */
  readonly quietMs: number
  /**
   * Nothing in this process opens these databases but their replicators: then a parked database costs no descriptor.
   * @see holdFile
   */
  readonly ours: boolean
}
