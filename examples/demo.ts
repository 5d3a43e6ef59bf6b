// `npm start`: the whole product, with nothing to set up. A shop's database in a temporary folder that is written to, the
// replicator beside it, the gateway in front of its replica, and the explorer to look at it in a browser.
//
// Until Ctrl-C, or for LITETAP_DEMO_SECONDS. At the end the replica is restored and compared with the database.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { open } from '../entry/open.ts'
import { createGateway, pageFiles } from '../gateway/index.ts'
import { openReplica } from '../storage/node.ts'
import { Replicator, restore } from '../writer/index.ts'

const SCHEMA = `
  PRAGMA journal_mode = wal;
  CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT, city TEXT);
  CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER REFERENCES customers, cents INTEGER, state TEXT, at TEXT);
  CREATE INDEX orders_customer ON orders (customer);
  WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
    INSERT INTO customers SELECT i, 'Customer ' || i, CASE i % 4 WHEN 0 THEN 'Oslo' WHEN 1 THEN 'Turin' WHEN 2 THEN 'Lisbon' ELSE 'Gdańsk' END FROM n;
  WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
    INSERT INTO orders SELECT i, 1 + (i * 7919) % 500, 100 + (i * 31) % 20000, 'sent', datetime('now', (i - 20000) || ' minutes') FROM n;`
const SQL = 'SELECT state, count(*) AS orders, sum(cents) / 100.0 AS revenue FROM orders GROUP BY state'
/** Between two commits of the shop. */
const COMMIT_MS = 400

const dir = mkdtempSync(join(tmpdir(), 'litetap-demo-'))
const path = join(dir, 'shop.db')
const stop = new AbortController()
const seconds = Number(process.env.LITETAP_DEMO_SECONDS ?? 0)
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())

/** The application: it knows nothing of litetap. */
const app = new DatabaseSync(path)

async function main(): Promise<void> {
  app.exec(SCHEMA)
  const replicaURL = pathToFileURL(join(dir, 'bucket')).href
  const client = await openReplica(replicaURL)
  /** When the WAL was last written to, and how long it took until that was durable in the replica. */
  let committedAt = 0
  const latencies: number[] = []
  const onDurable = (): void => {
    if (committedAt > 0) latencies.push(performance.now() - committedAt)
    committedAt = 0
  }
  const replicator = new Replicator({ dbPath: path, client, onDurable })
  await replicator.start()
  const gateway = createGateway({
    databases: new Map([['shop', await openReplica(replicaURL)]]),
    staticFiles: await pageFiles(join(import.meta.dirname, '../dist/explorer')),
    checkIntervalMs: 200,
  })
  const { url } = await gateway.listen({ host: '127.0.0.1', port: 0 })
  const view = new URLSearchParams({ url: `${url}/shop`, sql: SQL })
  step(`Database  ${path}`)
  step(`Replica   ${replicaURL}`)
  step(`Gateway   ${url}/shop`)
  step(`Explorer  ${url}/#${view}`)
  step(seconds > 0 ? `          for ${seconds} seconds` : '          until Ctrl-C')
  const commits = await trade(() => {
    committedAt ||= performance.now()
  })
  await gateway.close(0)
  const txid = await replicator.flush()
  const image = Buffer.from(app.serialize())
  await replicator.close()
  latencies.sort((a, b) => a - b)
  const [p50 = 0, worst = 0] = [latencies[latencies.length >> 1], latencies.at(-1)]
  step(`Durable   ${commits} commits, each ${p50.toFixed(1)} ms after its COMMIT, ${worst.toFixed(1)} ms at worst`)
  await check(replicaURL, { txid, image })
  await client.close()
}

/** Orders come in and are sent, until it is time to stop. @returns commits */
async function trade(committed: () => void): Promise<number> {
  const end = seconds > 0 ? performance.now() + seconds * 1000 : Number.POSITIVE_INFINITY
  const insert = app.prepare("INSERT INTO orders (customer, cents, state, at) VALUES (?, ?, 'open', datetime('now'))")
  const send = app.prepare(
    "UPDATE orders SET state = 'sent' WHERE id = (SELECT min(id) FROM orders WHERE state = 'open')",
  )
  let commits = 0
  for (; !stop.signal.aborted && performance.now() < end; commits++) {
    if (commits % 3 === 2) send.run()
    else insert.run(1 + (commits % 500), 100 + ((commits * 977) % 9000))
    committed()
    await delay(COMMIT_MS, undefined, { signal: stop.signal }).catch(() => {})
  }
  return commits
}

/** The replica must have what the database has: queried in place, and restored. */
async function check(replicaURL: string, { txid, image }: { txid: bigint; image: Buffer }): Promise<void> {
  const db = await open(replicaURL)
  const query = 'SELECT count(*) AS n FROM orders'
  const [found, expected] = [(await db.get(query))?.n, app.prepare(query).get()?.n]
  if (found !== expected) throw new Error(`Queried in place it has ${found} orders, and the database ${expected}`)
  step(`Queried   in place: ${found} orders, with ${db.stats().requests} requests and no copy`)
  await db.close()
  const client = await openReplica(replicaURL)
  const output = join(dir, 'restored.db')
  await restore(client, output, { txid, integrityCheck: 'full' })
  await client.close()
  if (!readFileSync(output).equals(image)) throw new Error('The restored database differs from the database')
  step('Restored  the very same bytes')
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
