// `npm start`: the main job, from beginning to end, with nothing to set up.
//
// Makes a database in a temporary folder, keeps writing to it, replicates it live to a `file:` replica beside it,
// queries the replica in place as of two points in time, restores it at both, and compares with what the database held.

import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { formatTXID, type TXID } from '../ltx/index.ts'
import { open } from '../open.ts'
import { openReplica } from '../storage/node.ts'
import { Replicator, restore } from '../writer/index.ts'

const WRITING_MS = 4000
const dir = mkdtempSync(join(tmpdir(), 'litetap-demo-'))
const path = join(dir, 'shop.db')
const replicaDir = join(dir, 'bucket')
mkdirSync(replicaDir)

/** The application: it knows nothing of litetap. */
const app = new DatabaseSync(path)
app.exec('PRAGMA journal_mode = wal; CREATE TABLE orders (id INTEGER PRIMARY KEY, customer TEXT, cents INTEGER)')
const insert = app.prepare('INSERT INTO orders (customer, cents) VALUES (?, ?)')

/** When the WAL was last written to, and how long it took until that was durable in the replica. */
let committedAt = 0
const latencies: number[] = []

async function main(): Promise<void> {
  step(`Database  ${path}`)
  const client = await openReplica(pathToFileURL(replicaDir).href)
  const replicator = new Replicator({
    dbPath: path,
    client,
    onDurable: () => {
      if (committedAt > 0) latencies.push(performance.now() - committedAt)
      committedAt = 0
    },
  })
  await replicator.start()
  step(`Replica   ${client.url}`)

  const orders = await writeFor(WRITING_MS / 2)
  const then = await moment(replicator, orders)
  step(`Halfway   ${then.orders} orders, TXID ${formatTXID(then.txid)}`)
  app.exec("DELETE FROM orders WHERE customer LIKE 'customer 1%'")
  const more = orders + (await writeFor(WRITING_MS / 2))
  const now = await moment(replicator, more)
  step(`At last   ${count()} of ${more} orders left, TXID ${formatTXID(now.txid)}`)
  await replicator.close()

  let failures = 0
  const db = await open(client.url)
  const query = 'SELECT count(*) AS n FROM orders'
  for (const { name, txid, orders } of [
    { name: 'halfway', ...then },
    { name: 'at last', ...now },
  ]) {
    const found = (await (await db.at({ txid })).get(query))?.n
    if (found !== orders) failures++
    step(`Queried   ${name}, in place: ${found} orders${found === orders ? '' : `, BUT THERE WERE ${orders}`}`)
  }
  const { requests, bytes } = db.stats()
  step(`          with ${requests} requests, ${bytes} bytes, and no copy`)
  await db.close()
  for (const { name, txid, image } of [
    { name: 'halfway', ...then },
    { name: 'at last', ...now },
  ]) {
    const output = join(dir, `restored-${name.replace(' ', '-')}.db`)
    const result = await restore(client, output, { txid, integrityCheck: 'full' })
    const same = readFileSync(output).equals(image)
    if (!same) failures++
    const facts = `${result.files.length} files, ${result.bytes} bytes, ${result.durationMs.toFixed(0)} ms, integrity ok`
    step(`Restored  ${name}: ${same ? 'the very same bytes' : 'DIFFERENT'} (${facts})`)
  }
  latencies.sort((a, b) => a - b)
  const [p50, worst] = [latencies[latencies.length >> 1]!, latencies.at(-1)!]
  step(`COMMIT to durable: median ${p50.toFixed(1)} ms, worst ${worst.toFixed(1)} ms, over ${latencies.length} files`)
  await client.close()
  process.exitCode = failures
}

/** Commit orders, one at a time, at the pace of a small shop. @returns how many */
async function writeFor(ms: number): Promise<number> {
  let orders = 0
  for (const end = performance.now() + ms; performance.now() < end; orders++) {
    insert.run(`customer ${orders % 100}`, 100 + orders)
    if (committedAt === 0) committedAt = performance.now()
    await delay(5 + (orders % 7) * 20)
  }
  return orders
}

/** The database as it is now, once all of it is durable in the replica. */
async function moment(replicator: Replicator, written: number): Promise<{ txid: TXID; image: Buffer; orders: number }> {
  insert.run(`moment ${written}`, 0)
  const image = Buffer.from(app.serialize())
  return { txid: await replicator.flush(), image, orders: count() }
}

function count(): number {
  return (app.prepare('SELECT count(*) AS n FROM orders').get() as { n: number }).n
}

function step(text: string): void {
  console.log(text)
}

try {
  await main()
} finally {
  app.close()
  rmSync(dir, { recursive: true, force: true })
}
