import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect } from 'vitest'
import { isReplicaError } from '../../replica/index.ts'
import type { ReplicaClient } from '../../storage/index.ts'
import { isWriterError, restore } from '../../writer/index.ts'

/**
 * What must hold of a replica at any instant: level 0 has no hole, the newest state restores and passes
 * integrity_check, it is the state behind one whole transaction, and no acknowledged transaction is missing.
 *
 * @returns the restored database's bytes; undefined for an empty replica
 */
export async function checkReplica(
  client: ReplicaClient,
  dir: string,
  expected: { readonly seq: number; readonly context: string },
): Promise<Buffer | undefined> {
  const { seq, context } = expected
  const txids: bigint[] = []
  for await (const file of client.list(0)) txids.push(file.maxTXID)
  for (let i = 1; i < txids.length; i++) expect(txids[i], `level 0 has no hole; ${context}`).toBe(txids[i - 1]! + 1n)

  const output = join(dir, 'check.db')
  try {
    await restore(client, output, { force: true, integrityCheck: 'full' })
  } catch (error) {
    const empty = isWriterError(error, 'WRITER_NO_BACKUP') || isReplicaError(error, 'REPLICA_TX_NOT_AVAILABLE')
    if (!empty || seq > 0) throw new Error(`Cannot restore; ${context}`, { cause: error })
    return undefined
  }
  const bytes = readFileSync(output)
  const db = new DatabaseSync(output)
  try {
    const ledger = db.prepare('SELECT count(*) AS count, coalesce(max(seq), 0) AS newest FROM ledger').get()
    const { total } = db.prepare('SELECT sum(balance) AS total FROM account').get() as { total: number }
    const { one } = db.prepare('SELECT balance AS one FROM account WHERE id = 1').get() as { one: number }
    expect(ledger!.count, `ledger without holes; ${context}`).toBe(ledger!.newest)
    expect(total, `money neither made nor lost; ${context}`).toBe(1000)
    expect(one, `accounts and ledger of one transaction; ${context}`).toBe(500 - Number(ledger!.newest))
    expect(Number(ledger!.newest), `acknowledged transactions; ${context}`).toBeGreaterThanOrEqual(seq)
  } finally {
    db.close()
    rmSync(output, { force: true })
  }
  return bytes
}
