import { DatabaseSync } from 'node:sqlite'
import { expect, onTestFinished, test } from 'vitest'
import { open } from '../../entry/open.ts'
import { Tokens } from '../../gateway/index.ts'
import { openHttp } from '../../storage/http/index.ts'
import { liveDatabase, startGateway } from './support.ts'

const TOKEN = 'reader-reader-reader'

/** A live database of some size, and the bytes that a reader must find. */
async function scene() {
  const live = await liveDatabase(`
    CREATE TABLE t (id INTEGER PRIMARY KEY, name, x REAL);
    CREATE INDEX t_name ON t (name);
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
    INSERT INTO t SELECT i, 'name ' || (i * 7919 % 1000), i / 3.0 FROM n`)
  const tokens = new Tokens(`${TOKEN}: app`, ['app'])
  const running = await startGateway({ databases: new Map([['app', live.client()]]), tokens, checkIntervalMs: 10 })
  const headers = { authorization: `Bearer ${TOKEN}` }
  const replica = (path = '/app') => openHttp(running.url + path, { headers })
  return { ...live, ...running, headers, replica }
}

const QUERIES = [
  'SELECT count(*), sum(id), total(x) FROM t',
  'SELECT * FROM t WHERE id = 12345',
  "SELECT id, x FROM t WHERE name = 'name 77' ORDER BY id DESC LIMIT 7",
  'SELECT name, count(*) AS n FROM t GROUP BY name ORDER BY n DESC, name LIMIT 5',
  'PRAGMA integrity_check',
]

function truth(path: string, sql: string): unknown[] {
  const db = new DatabaseSync(path, { readOnly: true })
  const rows = db
    .prepare(sql)
    .all()
    .map((row) => ({ ...row }))
  db.close()
  return rows
}

test('a database is read through the gateway as SQLite reads it, and followed', async () => {
  const { replica, path, app, replicator } = await scene()
  const db = await open(await replica(), { checkIntervalMs: 0 })
  onTestFinished(() => db.close())
  for (const sql of QUERIES) expect(await db.all(sql)).toEqual(truth(path, sql))
  for (let round = 0; round < 5; round++) {
    app.exec(`UPDATE t SET x = x + 1 WHERE id % 97 = ${round}; INSERT INTO t (name) VALUES ('new ${round}')`)
    const txid = await replicator.flush()
    await db.waitFor(txid)
    for (const sql of QUERIES.slice(0, 3)) expect(await db.all(sql)).toEqual(truth(path, sql))
  }
})

test('a wrong token, and a database that is not there', async () => {
  const { url, replica } = await scene()
  const stranger = await openHttp(`${url}/app`, { headers: { authorization: 'Bearer nobody-nobody-nobody' } })
  await expect(open(stranger)).rejects.toMatchObject({ code: 'STORAGE_BAD_CREDENTIALS' })
  await expect(open(await replica('/absent'))).rejects.toMatchObject({ code: 'STORAGE_NOT_FOUND' })
})

test('a gateway behind a gateway: the catalog is passed on, and so are announcements', async () => {
  const { url, headers, app, replicator, durable } = await scene()
  const upstream = await openHttp(`${url}/app`, { headers, events: true })
  // No check would come in time: what arrives was announced.
  const intervals = { checkIntervalMs: 60_000, listIntervalMs: 60_000 }
  const second = await startGateway({ databases: new Map([['again', upstream]]), ...intervals })
  const stop = new AbortController()
  onTestFinished(() => stop.abort())
  const events = await fetch(`${second.url}/again/litetap/events`, { signal: stop.signal })
  let text = ''
  void (async () => {
    for await (const chunk of events.body!) text += new TextDecoder().decode(chunk)
  })().catch(() => {})
  const ids = () => [...text.matchAll(/^id: ([0-9a-f]{16})$/gm)].map(([, id]) => BigInt(`0x${id}`))
  await expect.poll(ids).toEqual([durable.at(-1)!.maxTXID])
  await expect.poll(async () => await (await fetch(`${url}/health`)).text()).toBe('ok\n')
  for (let i = 0; i < 5; i++) {
    app.exec(`INSERT INTO t (name) VALUES ('x')`)
    const txid = await replicator.flush()
    await expect.poll(ids).toContain(txid)
  }
})
