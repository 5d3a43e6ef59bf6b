import type { Database } from '../../../entry/web.ts'
import { momentAt, momentsOf } from '../data/moments.ts'
import { RequestLog } from '../data/request-log.ts'
import { listFiles, type Session } from '../data/session.ts'
import { FIRST_STATE, type State } from './state.ts'
import { Store } from './store.ts'

/** What all actions work on. */
export interface App {
  readonly store: Store<State>
  readonly log: RequestLog
}

export function createApp(): App {
  const store = new Store(FIRST_STATE)
  // Requests come in bursts: the page is drawn once for all of them.
  let due = false
  const log = new RequestLog(() => {
    if (due) return
    due = true
    setTimeout(() => {
      due = false
      store.set({ requests: store.get().requests + 1 })
    }, REDRAW_MS)
  })
  return { store, log }
}

const REDRAW_MS = 80

/** Tell those who do not see it. */
export function say({ store }: App, said: string): void {
  store.set({ said })
}

/** The database at the moment that is looked at; it stays there. */
export async function databaseNow({ store }: App, session: Session, signal: AbortSignal): Promise<Database> {
  const { at } = store.get()
  return await session.db.at(at === undefined ? 'latest' : { txid: at }, { signal })
}

/** Look up what the backup has by now. A moment that was looked at and is gone gives way to the one before it. */
export async function reloadMoments({ store }: App, session: Session): Promise<void> {
  const files = await listFiles(session.client)
  const moments = momentsOf(files)
  const { at, base, session: current } = store.get()
  if (current !== session) return
  const kept = (txid: bigint | undefined): bigint | undefined =>
    txid === undefined ? undefined : (momentAt(moments, txid) ?? moments[0])?.txid
  store.set({ files, moments, newest: session.db.txid, at: kept(at), base: kept(base) })
}
