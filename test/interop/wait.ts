import { setTimeout as sleep } from 'node:timers/promises'
import type { Running } from './replicator.ts'
import type { Store } from './stores.ts'

const TIMEOUT_MS = 60_000
const POLL_MS = 50

/** Highest TXID among the names of one level, 0n when it is empty. */
export async function lastTXID(store: Store, replica: string, level = 0): Promise<bigint> {
  const files = await store.list(replica, level)
  return files.reduce((last, { name }) => {
    const max = BigInt(`0x${name.slice(17, 33)}`)
    return max > last ? max : last
  }, 0n)
}

/** Wait until `condition` holds; fails at once when the replicator has ended, and after a minute in any case. */
export async function until(what: string, running: Running, condition: () => Promise<boolean>): Promise<void> {
  let ended = false
  running.exited.then(() => {
    ended = true
  })
  const deadline = Date.now() + TIMEOUT_MS
  while (!(await condition())) {
    if (ended) throw new Error(`The replicator ended while waiting until ${what}:\n${running.output}`)
    if (Date.now() > deadline) throw new Error(`Gave up waiting until ${what}:\n${running.output}`)
    await sleep(POLL_MS)
  }
}

/** Wait until the store holds a file of TXID `txid` or later. */
export function untilReplicated(store: Store, replica: string, running: Running, txid: bigint): Promise<void> {
  return until(`TXID ${txid} is in the store`, running, async () => (await lastTXID(store, replica)) >= txid)
}
