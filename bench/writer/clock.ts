import { setTimeout as sleep } from 'node:timers/promises'

const SLOT_MS = 30_000
const LONG_SLOT_MS = 300_000

/**
 * Wait until one second after one of Litestream's 30 s compaction times, with `forMs` to go before the next 5 min one
 * (facts 5.2): every run then meets the same compactions.
 */
export async function untilSlot(forMs: number): Promise<void> {
  for (;;) {
    const now = Date.now()
    const intoSlot = now % SLOT_MS
    const roomLeft = LONG_SLOT_MS - (now % LONG_SLOT_MS)
    if (intoSlot > 1000 && intoSlot < 3000 && roomLeft > Math.min(forMs, LONG_SLOT_MS - 5000)) return
    await sleep(200)
  }
}
