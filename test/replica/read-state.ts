import type { DatabaseState, Replica } from '../../replica/index.ts'

/** Every page of a state, read as a database file in an order that is no scan. */
export async function readState(replica: Replica, state: DatabaseState = replica.state): Promise<Buffer> {
  const pages = replica.pin(state)
  const { commit, pageSize } = state
  const bytes = Buffer.alloc(commit * pageSize)
  const step = 7919 % commit === 0 ? 1 : 7919
  for (let i = 0; i < commit; i++) {
    const pgno = ((i * step) % commit) + 1
    bytes.set(pages.get(pgno) ?? (await pages.fetch(pgno)), (pgno - 1) * pageSize)
  }
  return bytes
}
