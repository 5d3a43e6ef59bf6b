import { ask } from './asking.ts'
import { anyQuery } from './grammar.ts'
import { WELL } from './hostile-store.ts'
import type { Reader } from './reader-model.ts'
import type { World } from './world.ts'

const CLOSING = { closing: true, pinned: true, hostile: true }

/** Close each reader while it is asked: every wait ends, and nothing is given out that is closed already. */
export async function closeWhileBusy(world: World): Promise<void> {
  // A store that does not hear that it is closed goes on, and answers.
  world.disturb(world.random() < 0.5 ? undefined : { ...WELL, deaf: 1 })
  await Promise.all(world.readers.map((reader) => closeOne(world, reader)))
}

async function closeOne(world: World, reader: Reader): Promise<void> {
  const { db, floor, name } = reader
  let closed = false
  const busy = Array.from({ length: world.pick(5) }, async (_, i) => {
    await world.pause(10)
    if (closed) return
    await world.during(`${name}: asked while it closes, ${i}`, () =>
      world.excused(reader, { ...CLOSING, timeout: true }, async () => {
        const choice = world.random()
        if (choice < 0.4) await ask(world, db, anyQuery(world.random), { sight: { floor }, excuses: CLOSING })
        else if (choice < 0.5) await db.waitFor(db.txid + 1n, { timeoutMs: 100 })
        else if (choice < 0.6) await db.refresh()
        else {
          await db.at({ txid: db.txid })
          if (closed) throw world.wrong(`${name}: at() has given a database that is closed already`)
        }
      }),
    )
  })
  await world.pause(15)
  closed = true
  await world.during(`${name}: close()`, () => db.close())
  await Promise.all(busy)
}
