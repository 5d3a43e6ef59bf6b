import { setTimeout as sleep } from 'node:timers/promises'
import { newestMark } from '../support/marks.ts'
import type { Stage } from './stage.ts'

const TIMEOUT_MS = 300_000
const POLL_MS = 200
const LOOK_BACK = 5

/** Wait until commit `n` of `run` is in the store, looking only at L0 files that are new (and the newest few at first). */
export async function untilDurable({ store, replica }: Stage, run: string, n: number): Promise<void> {
  const deadline = Date.now() + TIMEOUT_MS
  let seen = ''
  for (;;) {
    const files = await store.list(replica, 0)
    const fresh = seen === '' ? files.slice(-LOOK_BACK) : files.filter(({ name }) => name > seen)
    for (const file of fresh) if (newestMark(await store.read(replica, file), run, n, n) !== undefined) return
    seen = files.at(-1)?.name ?? ''
    if (Date.now() > deadline) throw new Error(`Commit ${n} of ${run} did not become durable`)
    await sleep(POLL_MS)
  }
}
