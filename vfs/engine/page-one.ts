import type { DatabaseState } from '../../replica/index.ts'

/** Where page 1 holds the schema cookie: it changes with the schema. */
const SCHEMA_COOKIE = 40

/**
 * Page 1 as SQLite is to see it. The only place where a page is changed, and it is a copy that is.
 *
 * - 18, 19: rollback journal, else SQLite would ask for the WAL that a replica does not have (bridges.md 5)
 * - 24..27 and 92..95: the change counter and its "valid for", from the TXID: SQLite keeps its cache exactly as long as
 *   the state is the same; WAL writers do not bump the counter on every commit
 * - 28..31: the size in pages
 *
 * @param page page-size bytes that others share
 * @returns fresh bytes
 */
export function patchPageOne(page: Uint8Array, state: DatabaseState): Uint8Array {
  const copy = page.slice()
  const view = new DataView(copy.buffer)
  const counter = Number(state.txid & 0xffff_ffffn)
  view.setUint8(18, 1)
  view.setUint8(19, 1)
  view.setUint32(24, counter)
  view.setUint32(28, state.commit)
  view.setUint32(92, counter)
  return copy
}

/** The schema cookie in page 1. */
export function schemaCookie(page: Uint8Array): number {
  return new DataView(page.buffer, page.byteOffset, page.byteLength).getUint32(SCHEMA_COOKIE)
}
