import type { Pgno } from '../../ltx/index.ts'
import type { DatabaseState } from '../../replica/index.ts'

/**
 * Page 1 as SQLite is to see it. The only place where a page is changed, and it is a copy that is.
 *
 * - 18, 19: rollback journal, else SQLite would ask for the WAL that a replica does not have (bridges.md 5)
 * - 24..27 and 92..95: the change counter and its "valid for": SQLite keeps its cache exactly as long as the state is the
 *   same. Not the file's own, which WAL writers do not bump on every commit, and not the TXID, which two histories share
 * - 28..31: the size in pages
 *
 * @param page page-size bytes that others share
 * @param generation another number for each state that one instance is shown
 * @returns fresh bytes
 */
export function patchPageOne(page: Uint8Array, state: DatabaseState, generation: number): Uint8Array {
  const copy = page.slice()
  const view = new DataView(copy.buffer)
  view.setUint8(18, 1)
  view.setUint8(19, 1)
  view.setUint32(24, generation)
  view.setUint32(28, state.commit)
  view.setUint32(92, generation)
  return copy
}

/** Bytes of page 1 that say nothing about the schema: how SQLite locks, the change counter, the size, who wrote last. */
const VOLATILE: readonly (readonly [from: number, to: number])[] = [
  [18, 20],
  [24, 40],
  [92, 100],
]

/** Whether a page of the schema still says the same. */
export function sameSchemaPage(pgno: Pgno, left: Uint8Array, right: Uint8Array): boolean {
  if (left === right) return true
  if (left.length !== right.length) return false
  for (let i = 0; i < left.length; i++) {
    if (left[i] !== right[i] && !(pgno === 1 && VOLATILE.some(([from, to]) => i >= from && i < to))) return false
  }
  return true
}

/** The encoding of all text: 1 is UTF-8, 2 and 3 are UTF-16. */
export function textEncoding(pageOne: Uint8Array): number {
  return new DataView(pageOne.buffer, pageOne.byteOffset, pageOne.byteLength).getUint32(56)
}
