import { ask } from './asking.ts'
import { BATTERY } from './grammar.ts'
import { WELL } from './hostile-store.ts'
import type { Reader } from './reader-model.ts'
import type { World } from './world.ts'

/** More than any request takes, and than any reader waits between two looks at the bucket. */
const SETTLE_MS = 30_000
/** SQLite begins with 8 MiB; small databases need little more. */
const MOST_WASM_BYTES = 24 * 2 ** 20

/** Let everything that is under way end, with nothing going wrong any more. */
export async function settle(world: World): Promise<void> {
  world.disturb(WELL)
  await world.time.sleep(SETTLE_MS)
}

/**
 * With nothing going wrong: the newest state is found, and every connection of the pool reads it rightly.
 * @throws Wrong
 */
export async function checkReader(world: World, reader: Reader): Promise<void> {
  await world.during(`${reader.name}: look for the newest state`, async () => {
    await world.excused(reader, {}, async () => void (await reader.db.refresh()))
    const rank = reader.look(world.oracle, 'refresh() when all is well')
    if (rank !== world.writer.newest)
      throw world.wrong(`${reader.name} does not find the newest state: it is at ${rank}`)
  })
  const { poolSize } = reader.shape
  const sight = { floor: reader.floor, fixed: reader.floor }
  let arrived = 0
  const all = Promise.withResolvers<void>()
  const check = async (i: number): Promise<void> => {
    await world.excused(reader, {}, () =>
      reader.db.transaction(async (tx) => {
        if (++arrived === poolSize) all.resolve()
        await all.promise
        for (const query of BATTERY) await ask(world, tx, query, { sight, excuses: {} })
      }),
    )
    world.note(`  connection ${i} is right`)
  }
  await world.during(`${reader.name}: check of all ${poolSize} connections`, () =>
    Promise.all(Array.from({ length: poolSize }, (_, i) => check(i))),
  )
  for (const { db, rank } of reader.olds) {
    const old = { floor: 0, fixed: rank }
    await world.during(`${reader.name}: check of an older state`, async () => {
      for (const query of BATTERY) await ask(world, db, query, { sight: old, excuses: { pinned: true } })
    })
  }
}

/** @throws Wrong when a run took more than it may */
export function checkBounds(world: World): void {
  for (const { name, shape, db, store } of world.readers) {
    const { bytes } = shape.cache.stats()
    if (bytes > shape.cache.maxBytes) throw world.wrong(`${name} caches ${bytes} bytes, more than it may`)
    const { requests } = db.stats()
    if (requests > store.requests) throw world.wrong(`${name} counts ${requests} of ${store.requests} requests`)
  }
  const largest = Math.max(...world.memories.map((memory) => memory.buffer.byteLength))
  if (largest > MOST_WASM_BYTES) throw world.wrong(`an instance of SQLite has grown to ${largest} bytes`)
}
