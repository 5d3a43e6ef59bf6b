import { formatTXID } from '../../ltx/index.ts'
import { ask } from './asking.ts'
import { anyQuery, HYGIENE, lingeringSql, rowsQuery, STATE, tellingQuery } from './grammar.ts'
import type { Query } from './native.ts'
import { type Excuses, Expected } from './oracle.ts'
import type { Reader } from './reader-model.ts'
import type { World } from './world.ts'

/** Something that is done with a reader while others do something else. */
export type Operation = (world: World, reader: Reader, excuses: Excuses) => Promise<void>

/** One query, perhaps given up. */
const query: Operation = async (world, reader, excuses) => {
  const given = world.random() < 0.2 ? world.abortSoon() : undefined
  const throws = world.random() < 0.05
  const onCost = (): void => {
    if (throws) throw new Expected('onCost throws')
  }
  const options = { ...(given && { signal: given.signal }), onCost }
  const sight = { floor: reader.floor }
  reader.saw(
    asRank(
      await ask(world, reader.db, anyQuery(world.random), {
        sight,
        excuses: { ...excuses, reason: given?.reason },
        options,
      }),
    ),
  )
  world.endedInTime(given ?? {}, 'a query')
}

/** The same query by several at once, one with a budget: each is refused by its own alone. */
const budget: Operation = async (world, reader, excuses) => {
  const asked = tellingQuery(world.random)
  const sight = { floor: reader.floor }
  const budget = world.random() < 0.5 ? { maxRequests: world.pick(3) } : { maxBytes: world.pick(3000) }
  await Promise.all([
    ask(world, reader.db, asked, { sight, excuses: { ...excuses, budget: true }, options: { budget } }),
    ask(world, reader.db, asked, { sight, excuses }),
    ask(world, reader.db, tellingQuery(world.random), { sight, excuses }),
  ])
}

/** Several queries on one state, some side by side, with what a transaction may make. */
const transaction: Operation = async (world, reader, excuses) => {
  const { floor } = reader
  await world.excused(reader, excuses, async () => {
    await reader.db.transaction(async (tx) => {
      const state = await tx.get(`SELECT ${STATE}`)
      const rank = world.oracle.find(state?.tx, state?.tm, 'a transaction')
      world.oracle.notBefore(rank, floor, 'a transaction')
      reader.saw(rank)
      const asking = { sight: { floor: rank, fixed: rank }, excuses: { ...excuses, pinned: true } }
      const temporary = world.random() < 0.3
      if (temporary) await makeTemporary(tx, world, excuses)
      for (let i = 1 + world.pick(4); i > 0; i--) {
        await world.pause(30)
        const queries = Array.from({ length: 1 + world.pick(3) }, () => anyQuery(world.random))
        const results = await Promise.all(queries.map((one) => ask(world, tx, one, asking)))
        if (results.includes('failed') && world.random() < 0.3) return
      }
    })
  })
}

async function makeTemporary(tx: { all: (sql: string) => Promise<unknown[]> }, world: World, excuses: Excuses) {
  try {
    await tx.all('CREATE TEMP TABLE mine AS SELECT id, n FROM t WHERE grp = 1')
    const of = async (table: string) => JSON.stringify(await tx.all(`SELECT count(*) AS c, sum(n) AS s FROM ${table}`))
    const [kept, right] = [await of('mine'), await of('t WHERE grp = 1')]
    if (kept !== right) throw world.wrong(`the temporary table has ${kept} instead of ${right}`)
  } catch (error) {
    world.oracle.failure(error, FULL, { floor: 0 }, { ...excuses, pinned: true })
  }
}

const FULL: Query = { sql: 'SELECT sum(n) FROM t', parameters: [] }

/** A state that is older, or the newest, kept for later. */
const at: Operation = async (world, reader, excuses) => {
  const txid = BigInt(Math.max(1, world.writer.txid - world.pick(5)))
  const target = world.random() < 0.6 ? { txid } : new Date(world.writer.timeOf(world.writer.newest) - world.pick(6000))
  await world.excused(reader, { ...excuses, pinned: true }, async () => {
    const old = await reader.db.at(target)
    const rank = world.oracle.find(formatTXID(old.txid), new Date(old.timestamp).toISOString(), 'at()')
    const right = target instanceof Date ? old.timestamp < target.getTime() : old.txid === target.txid
    if (!right) throw world.wrong(`at(${world.show(target)}) is at TXID ${old.txid} of ${old.timestamp}`)
    reader.olds = [...reader.olds, { db: old, rank }].slice(-3)
  })
  await earlier(world, reader, excuses)
}

/** Queries on states that were asked for before. */
const earlier: Operation = async (world, reader, excuses) => {
  const old = reader.olds[world.pick(reader.olds.length)]
  if (old === undefined) return
  const asking = { sight: { floor: 0, fixed: old.rank }, excuses: { ...excuses, pinned: true } }
  for (let i = 1 + world.pick(2); i > 0; i--) await ask(world, old.db, anyQuery(world.random), asking)
}

/** Look for what is new, perhaps not to the end. */
const refresh: Operation = async (world, reader, excuses) => {
  const { signal, reason } = world.random() < 0.5 ? world.abortSoon() : {}
  await world.excused(reader, { ...excuses, reason }, async () => {
    await reader.db.refresh(signal ? { signal } : {})
    reader.look(world.oracle, 'refresh()')
  })
}

/** Look again and again, each time only for a moment. */
const impatient: Operation = async (world, reader, excuses) => {
  for (let i = 2 + world.pick(3); i > 0; i--) {
    const { signal, reason } = world.abortSoon()
    await world.excused(reader, { ...excuses, reason }, async () => void (await reader.db.refresh({ signal })))
    if (world.random() < 0.4) await world.write()
  }
  for (let i = 0; i < 4; i++) {
    await world.pause(80)
    reader.look(world.oracle, 'some time after refresh()')
  }
}

/** Wait for a transaction that is there, or will be, or not. */
const waitFor: Operation = async (world, reader, excuses) => {
  const given = world.random() < 0.3 ? world.abortSoon() : undefined
  const txid = reader.db.txid + BigInt(world.pick(3))
  const to = world.random() < 0.5 ? txid : formatTXID(txid)
  const timeoutMs = [0, 20, 400, undefined][world.pick(4)]
  const options = { ...(given && { signal: given.signal }), ...(timeoutMs !== undefined && { timeoutMs }) }
  await world.excused(reader, { ...excuses, reason: given?.reason, timeout: true }, async () => {
    await reader.db.waitFor(to, options)
    if (reader.db.txid < txid) throw world.wrong(`waitFor(${to}) has resolved at TXID ${reader.db.txid}`)
    reader.look(world.oracle, 'waitFor()')
  })
  world.endedInTime(given ?? {}, 'waitFor()')
}

/** SQL that would leave something behind on the connection. Whether it is refused is another question. */
const linger: Operation = async (world, reader, excuses) => {
  const sql = lingeringSql(world.random)
  world.note(`  ${JSON.stringify(sql)}`)
  await reader.db.all(sql).catch((error) => world.typed(error, excuses))
  await reader.db.all(sql).catch((error) => world.typed(error, excuses))
  for (const query of HYGIENE) await ask(world, reader.db, query, { sight: { floor: reader.floor }, excuses })
}

/** A query of the database within a transaction: where there is one instance, it can never have its turn. */
const nested: Operation = async (world, reader, excuses) => {
  if (world.nested.has(reader)) return
  world.nested.add(reader)
  world.oracle.deadlocks = true
  await world.excused(reader, excuses, async () => {
    await reader.db.transaction(async (tx) => {
      await tx.get('SELECT 1')
      const inner = reader.db.get(`SELECT ${STATE}`)
      await inner.catch((error) => world.typed(error, excuses))
    })
  })
}

/** All pages to the tier that lasts. */
const hydrate: Operation = async (world, reader, excuses) => {
  if (reader.shape.kept === undefined) return
  const { signal, reason } = world.random() < 0.3 ? world.abortSoon() : {}
  await world.excused(reader, { ...excuses, reason, pinned: true, forgets: true }, () =>
    reader.db.hydrate(signal ? { signal } : {}),
  )
}

/** A query that was begun in a transaction and goes on behind its end. */
const overdue: Operation = async (world, reader, excuses) => {
  const { floor } = reader
  const asked = rowsQuery(world.random)
  let late: Promise<unknown> = Promise.resolve()
  await world.excused(reader, excuses, async () => {
    await reader.db.transaction(async (tx) => {
      const sight = { floor }
      late = ask(world, tx, asked, { sight, excuses: { ...excuses, pinned: true, closing: true } })
      await world.pause(3)
    })
  })
  await late
}

/** Each with its weight. */
export const OPERATIONS: readonly (readonly [weight: number, name: string, operation: Operation])[] = [
  [30, 'query', query],
  [7, 'budget', budget],
  [16, 'transaction', transaction],
  [7, 'at', at],
  [5, 'earlier', earlier],
  [12, 'refresh', refresh],
  [5, 'impatient', impatient],
  [8, 'waitFor', waitFor],
  [5, 'linger', linger],
  [2, 'nested', nested],
  [3, 'hydrate', hydrate],
  [3, 'overdue', overdue],
]

/** One of them by a number in [0, 1). */
export function drawOperation(at: number): readonly [name: string, operation: Operation] {
  let left = at * OPERATIONS.reduce((sum, [weight]) => sum + weight, 0)
  for (const [weight, name, operation] of OPERATIONS) {
    left -= weight
    if (left < 0) return [name, operation]
  }
  return ['query', query]
}

function asRank(outcome: number | 'failed' | undefined): number | undefined {
  return outcome === 'failed' ? undefined : outcome
}
