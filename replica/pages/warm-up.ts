import type { PageCache } from '../../pagecache/index.ts'
import { readSchemaLeaf } from '../ahead/btree-page.ts'
import type { Account } from '../core/account.ts'
import type { Snapshot } from '../state/snapshot.ts'
import { type SharedReading, SnapshotPages } from './pinned-pages.ts'

/** Trees whose roots are fetched when a replica is opened; of a larger schema the others come when they are needed. */
const MAX_ROOTS = 32

/**
 * Page 1 and the roots of all trees, in one round: every query begins with some of them, and they are where the last
 * transactions have changed something. Which pages are roots is read from the page 1 that the snapshot file began with.
 */
export async function warmUp(
  state: Snapshot,
  shared: SharedReading,
  { cache, account }: { readonly cache: PageCache; readonly account: Account },
): Promise<void> {
  const oldest = state.files().find((file) => file.info.minTXID === 1n)
  const page = oldest && cache.peek(oldest.cached, 1)
  const roots = page ? readSchemaLeaf(page, 1).map(({ rootPgno }) => rootPgno) : []
  account.roundTrip()
  await new SnapshotPages(state, shared, account).warm([1, ...roots.slice(0, MAX_ROOTS)])
}
