import { LtxError } from './errors.ts'
import type { Header } from './header.ts'
import { isSnapshot } from './header.ts'
import type { Page } from './page-frame.ts'
import type { MergeOptions } from './page-merge.ts'
import { PageMerge } from './page-merge.ts'
import { lockPgno } from './page-size.ts'
import type { LtxReader } from './reader.ts'
import { formatTXID } from './txid.ts'

/**
 * The database that a snapshot, or a chain of files that begins with one, describes: every page from 1 to
 * `header.commit` in order, the lock page as zeros. Nothing is compressed again on the way.
 *
 * @param inputs in TXID order, none of them read from yet
 * @returns `pages` must be read to its end: only then are the inputs proved (an error may come after the last
 *   page). `data` is valid until the next page is asked for. Not reading `pages` at all leaves the inputs open
 * @throws LtxError LTX_NOT_SNAPSHOT, LTX_COMPACT_*, or whatever is wrong with an input
 * @see superfly/ltx@8cb8f8e decoder.go DecodeDatabaseTo
 */
export async function decodeDatabase(
  inputs: readonly LtxReader[],
  options: MergeOptions = {},
): Promise<{ header: Header; pages: AsyncGenerator<Page> }> {
  try {
    const merge = await PageMerge.open(inputs, options)
    if (!isSnapshot(merge.header)) {
      const reason = `the first file begins at TXID ${formatTXID(merge.header.minTXID)}; begin with a snapshot`
      throw new LtxError('LTX_NOT_SNAPSHOT', `Cannot decode database: ${reason}`)
    }
    return { header: merge.header, pages: pagesOf(merge, inputs) }
  } catch (error) {
    await cancelAll(inputs)
    throw error
  }
}

async function* pagesOf(merge: PageMerge, inputs: readonly LtxReader[]): AsyncGenerator<Page> {
  const { commit, pageSize } = merge.header
  const lock = lockPgno(pageSize)
  let pgno = 0
  try {
    for (let page = merge.tryNext(); page !== 'end'; page = merge.tryNext()) {
      if (page === 'more') await merge.fill()
      else {
        if (page.pgno > lock && pgno < lock) yield { pgno: lock, data: new Uint8Array(pageSize) }
        pgno = page.pgno
        yield page
      }
    }
    if (commit === lock) yield { pgno: lock, data: new Uint8Array(pageSize) }
    await merge.close()
  } finally {
    await cancelAll(inputs)
  }
}

async function cancelAll(inputs: readonly LtxReader[]): Promise<void> {
  for (const input of inputs) await input.cancel()
}
