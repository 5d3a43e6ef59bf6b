import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isFullImage, type LtxSummary, summaries } from './inspect.ts'
import type { Primary } from './primary.ts'
import { handovers, named, predecessors } from './programs.ts'
import type { Replicator } from './replicator.ts'
import { Scene } from './scene.ts'
import { STORE_KINDS } from './stores.ts'
import { verifyEach, verifyNewest } from './verify.ts'
import { lastTXID, untilReplicated } from './wait.ts'
import type { Workload } from './workload.ts'

const SETTINGS = { monitorInterval: '100ms', syncInterval: '100ms' }
const TURN = 12
const PAUSE_MS = 40
const UNWATCHED = 5
// VACUUM rewrites every page: it would look like a full image.
const WORKLOAD: Workload = { seed: 12, baseRows: 2000, without: ['vacuum'] }

const VARIANTS = ['graceful', 'with writes between', 'killed'] as const
type Variant = (typeof VARIANTS)[number]

describe.each(STORE_KINDS)('facts 3.11: taking over on %s', (kind) => {
  let scene: Scene
  beforeAll(async () => {
    scene = await Scene.start(kind)
  })
  afterAll(() => scene?.close())

  const cases = handovers(kind).flatMap((pair) => VARIANTS.map((variant) => ({ pair, variant })))

  test.each(cases)('$pair.0 to $pair.1 and back, $variant', async ({ pair, variant }) => {
    const [first, second] = await named(pair)
    const replica = `${pair.join('-')}-${variant.replaceAll(' ', '-')}`
    const primary = scene.primary(replica, WORKLOAD)
    // The WAL must stay whole while nobody replicates, as in an application that leaves checkpoints to the replicator.
    await primary.sql('PRAGMA wal_autocheckpoint = 0')
    await primary.run(1)
    await primary.sql('PRAGMA wal_checkpoint(TRUNCATE)')
    const turns: bigint[] = []
    for (const program of [first!, second!, first!]) {
      if (turns.length > 0 && variant === 'with writes between') await primary.run(UNWATCHED)
      turns.push(await turn(program, primary, { scene, replica, variant, after: turns.at(-1) ?? 0n }))
    }
    // What the last turn left unread when it was killed.
    if (variant === 'killed')
      turns.push(await turn(second!, primary, { scene, replica, variant: 'graceful', after: turns.at(-1)! }))

    const files = await summaries(scene.store, replica, 0)
    expect(files).toHaveLength(Number(turns.at(-1)))
    expectOneUnbrokenWal(files)
    const readers = await named([...new Set(pair)])
    const subject = { scene, replica, readers, workload: WORKLOAD }
    await verifyEach(subject, [...new Set(turns)])
    await verifyNewest(subject, primary)
  })

  test.each(handovers(kind))('%s to %s and back, with the application started again each time', async (...pair) => {
    const programs = await named(pair)
    const replica = `${pair.join('-')}-closed`
    const turns: bigint[] = []
    let primary: Primary
    for (const program of [programs[0]!, programs[1]!, programs[0]!]) {
      primary = scene.primary(replica, WORKLOAD)
      await primary.sql('PRAGMA wal_autocheckpoint = 0')
      await primary.run(TURN)
      const running = scene.replicate(program, scene.job(primary, replica, SETTINGS))
      await untilReplicated(scene.store, replica, running, (turns.at(-1) ?? 0n) + 1n)
      await primary.run(TURN, PAUSE_MS)
      await primary.close()
      await running.stop()
      turns.push(await lastTXID(scene.store, replica))
    }
    const files = await summaries(scene.store, replica, 0)
    expect(files).toHaveLength(Number(turns.at(-1)))
    const subject = { scene, replica, readers: await named([...new Set(pair)]), workload: WORKLOAD }
    await verifyEach(subject, turns)
    await verifyNewest(subject, primary!)
  })

  // Litestream up to 0.5.16 goes on incrementally here and loses the transactions before the restart (facts 3.6, step 8:
  // nothing looks for frames of the old WAL after the last one copied).
  test.each(predecessors())('%s to litetap, when the WAL was restarted unseen', async (predecessor) => {
    const [first, litetap] = await named([predecessor, 'litetap'])
    const replica = `${predecessor}-restarted`
    const primary = scene.primary(replica, WORKLOAD)
    await primary.sql('PRAGMA wal_autocheckpoint = 0')
    const context = { scene, replica, variant: 'graceful' } as const
    const before = await turn(first!, primary, { ...context, after: 0n })
    await primary.run(UNWATCHED)
    await primary.sql('PRAGMA wal_checkpoint(FULL)')
    await primary.run(1)
    const last = await turn(litetap!, primary, { ...context, after: before })

    const files = await summaries(scene.store, replica, 0)
    expect(files).toHaveLength(Number(last))
    expect(isFullImage(files[Number(before)]!)).toBe(true)
    const readers = await named(['litetap', 'litestream-0.5.16'])
    const subject = { scene, replica, readers, workload: WORKLOAD }
    await verifyEach(
      subject,
      files.map(({ maxTXID }) => maxTXID),
    )
    await verifyNewest(subject, primary)
  })
})

interface Turn {
  readonly scene: Scene
  readonly replica: string
  readonly variant: Variant
  /** Last TXID of the turn before. */
  readonly after: bigint
}

/** One program replicates for a while. @returns the last TXID in the store when it has ended */
async function turn(program: Replicator, primary: Primary, { scene, replica, variant, after }: Turn): Promise<bigint> {
  const running = scene.replicate(program, scene.job(primary, replica, SETTINGS))
  const writing = primary.run(TURN, PAUSE_MS)
  await untilReplicated(scene.store, replica, running, after + 1n)
  if (variant === 'killed') {
    await sleep((TURN * PAUSE_MS) / 2)
    await running.kill()
    await writing
  } else {
    await writing
    await running.stop()
  }
  return lastTXID(scene.store, replica)
}

/**
 * Every file goes on in the WAL where the one before stopped, or at its start when one checkpoint restarted it since;
 * only the first holds the whole database.
 */
function expectOneUnbrokenWal(files: readonly LtxSummary[]): void {
  expect(files.filter(isFullImage).map(({ name }) => name)).toEqual([files[0]!.name])
  for (const [i, { name, walOffset, salt1 }] of files.entries()) {
    const before = files[i - 1]
    if (before === undefined) continue
    const goesOn = { salt1: before.salt1, walOffset: before.walOffset + before.walSize }
    const restarts = { salt1: (before.salt1 + 1) >>> 0, walOffset: 32n }
    expect([goesOn, restarts], name).toContainEqual({ salt1, walOffset })
  }
}
