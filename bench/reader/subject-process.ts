// One reader in a process of its own; orders come and answers go as JSON over the IPC channel (see subject.ts).
import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { canonicalRows, type Rows } from '../support/canonical-rows.ts'
import { loadReader, type OpenReader, type Reader, type ReaderOptions } from './readers.ts'
import type { Query } from './scenarios.ts'
import type { Answer, Order } from './subject.ts'

let load: OpenReader
let reader: Reader | undefined

process.on('message', (order: Order) => {
  obey(order)
    .then((answer) => process.send!(answer))
    .catch((error: Error) => process.send!({ failed: error.stack ?? String(error) } satisfies Answer))
})
process.on('disconnect', () => process.exit(0))

async function obey(order: Order): Promise<Answer> {
  const started = performance.now()
  switch (order.do) {
    case 'load':
      load = await loadReader(order.options as ReaderOptions)
      return { ms: performance.now() - started }
    case 'open':
      return await measure([order.first], false, async () => {
        reader = await load()
      })
    case 'query':
      return await measure(order.queries, order.together, async () => {})
    case 'repeat':
      return await repeat(order.queries, order.times)
    case 'watch':
      return await watch(order.query, order)
    case 'close':
      await reader?.close()
      return {}
  }
}

async function measure(queries: readonly Query[], together: boolean, before: () => Promise<void>): Promise<Answer> {
  const roundTrips = reader?.roundTrips?.() ?? 0
  const started = performance.now()
  await before()
  const ask = (query: Query) => reader!.query(query)
  const times: number[] = []
  let results: Rows[]
  if (together && reader!.parallel) results = await Promise.all(queries.map(ask))
  else {
    results = []
    for (const query of queries) {
      const asked = performance.now()
      results.push(await ask(query))
      times.push(performance.now() - asked)
    }
  }
  const ms = performance.now() - started
  const own = reader!.roundTrips
  return { ms, times, ...digest(results), ...(own && { roundTrips: own() - roundTrips }) }
}

/** Microseconds per query, the best of the rounds: what is wanted is the work, not what else the machine did. */
async function repeat(queries: readonly Query[], times: number): Promise<Answer> {
  const rounds: number[] = []
  for (let i = 0; i < times; i++) {
    const started = performance.now()
    for (const query of queries) await reader!.query(query)
    rounds.push(((performance.now() - started) * 1000) / queries.length)
  }
  return { microseconds: Math.min(...rounds) }
}

/** Ask the same over and over. Tells when each value of the first column was seen first. */
async function watch(query: Query, { everyMs, forMs }: { everyMs: number; forMs: number }): Promise<Answer> {
  const seen = new Map<number, string>()
  const until = performance.now() + forMs
  while (performance.now() < until) {
    const value = Number((await reader!.query(query))[0]![0])
    if (!seen.has(value)) seen.set(value, String(process.hrtime.bigint()))
    await sleep(everyMs)
  }
  return { seen: [...seen] }
}

function digest(results: readonly Rows[]): { rows: number; hash: string } {
  const hash = createHash('sha256')
  for (const rows of results) hash.update(canonicalRows(rows))
  return { rows: results.reduce((sum, rows) => sum + rows.length, 0), hash: hash.digest('hex').slice(0, 16) }
}
