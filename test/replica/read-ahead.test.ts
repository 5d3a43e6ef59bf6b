import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { beforeAll, describe, expect, test } from 'vitest'
import { Encoder } from '../../ltx/index.ts'
import { readInteriorPage, readSchemaLeaf } from '../../replica/ahead/btree-page.ts'
import { Replica } from '../../replica/index.ts'
import { memoryReplica, withCounting } from '../../storage/index.ts'
import { ltxHeader } from '../support/ltx-header.ts'
import { seededRandom } from '../support/random.ts'
import { suiteDir } from '../support/temp-dir.ts'

const dir = suiteDir()
const client = memoryReplica()
let image: Buffer

const ORDERS = 40_000

beforeAll(async () => {
  const path = join(dir, 'shop.db')
  const db = new DatabaseSync(path)
  db.exec(`
    CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER, payload TEXT);
    CREATE INDEX by_customer ON orders (customer);
    CREATE TABLE files (id INTEGER PRIMARY KEY, content BLOB);
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${ORDERS})
    INSERT INTO orders SELECT i, (i * 7919) % 1000, hex(randomblob(100)) FROM n;
    INSERT INTO files VALUES (1, randomblob(1000000));
    VACUUM;
  `)
  db.close()
  image = readFileSync(path)
  const header = ltxHeader({
    pageSize: 4096,
    commit: image.length / 4096,
    minTXID: 1n,
    maxTXID: 1n,
    timestamp: 1,
  })
  const encoder = new Encoder(header)
  for (let pgno = 1; pgno <= header.commit; pgno++) {
    encoder.encodePage(pgno, image.subarray((pgno - 1) * 4096, pgno * 4096))
  }
  encoder.finish()
  await client.write({ level: 9, minTXID: 1n, maxTXID: 1n }, encoder.take())
})

/** A connection that reads as SQLite does: one page after the other. */
async function connection() {
  const counting = withCounting(client)
  const replica = await Replica.open(counting.client)
  const pages = replica.pin(replica.state)
  const read = async (pgno: number): Promise<Uint8Array> => {
    const page = pages.get(pgno) ?? (await pages.fetch(pgno))
    expect(image.subarray((pgno - 1) * 4096, pgno * 4096).equals(page)).toBe(true)
    return page
  }
  const roots = new Map(readSchemaLeaf(await read(1), 1).map(({ name, rootPgno }) => [name, rootPgno]))
  counting.counts.reset()
  replica.cost.roundTrips = 0
  return { replica, read, counts: counting.counts, root: (name: string) => roots.get(name)!, pages }
}

type Read = (pgno: number) => Promise<Uint8Array>

/** The leaves of a tree in key order, or backwards. */
async function* leaves(read: Read, pgno: number, backwards = false): AsyncGenerator<[pgno: number, page: Uint8Array]> {
  const page = await read(pgno)
  const children = readInteriorPage(page, pgno)?.children
  if (children === undefined) yield [pgno, page]
  else for (const child of backwards ? [...children].reverse() : children) yield* leaves(read, child, backwards)
}

/** Read the row with a rowid: from the root down. */
async function row(read: Read, root: number, rowid: number): Promise<void> {
  let pgno = root
  for (;;) {
    const node = readInteriorPage(await read(pgno), pgno)
    if (node === undefined) return
    const child = node.rowids!.findIndex((largest) => rowid <= largest)
    pgno = node.children.at(child < 0 ? -1 : child)!
  }
}

describe('reading ahead', () => {
  test.each([
    ['forwards', false],
    ['backwards', true],
  ])('a scan %s: few round trips, every page once, nothing for nothing', async (_, backwards) => {
    const { read, root, counts, replica } = await connection()
    let seen = 0
    for await (const _leaf of leaves(read, root('orders'), backwards)) seen++
    expect(seen).toBeGreaterThan(2000)
    expect(replica.cost.roundTrips).toBeLessThanOrEqual(20)
    expect(counts.requests.get).toBeLessThanOrEqual(60)
    expect(counts.maxInFlight).toBeLessThanOrEqual(96)
    expect(counts.bytesIn).toBeLessThan(image.length)
  })

  test('one row: its path, and no page more', async () => {
    const { read, root, counts, replica } = await connection()
    await row(read, root('orders'), 23_456)
    expect(replica.cost.roundTrips).toBeLessThanOrEqual(3)
    expect(counts.requests.get).toBeLessThanOrEqual(3)
    expect(counts.bytesIn).toBeLessThan(20_000)
  })

  test('rows here and there: no page that is not on a path', async () => {
    const { read, root, counts } = await connection()
    for (let i = 0; i < 40; i++) await row(read, root('orders'), 1 + ((i * 16_411) % ORDERS))
    expect(counts.requests.get).toBeLessThanOrEqual(50)
  })

  test('who comes by a few interior pages gets the others, too: then a row is one round trip', async () => {
    const { read, root, counts, replica } = await connection()
    const interiors = readInteriorPage(await read(root('orders')), root('orders'))!.children.length
    expect(interiors).toBeGreaterThan(4)
    const random = seededRandom(1)
    const next = () => 1 + Math.floor(random() * ORDERS)
    for (let i = 0; i < 10; i++) await row(read, root('orders'), next())
    const [trips, gets] = [replica.cost.roundTrips, counts.requests.get]
    expect(trips).toBeLessThanOrEqual(10 + 8)
    for (let i = 0; i < 40; i++) await row(read, root('orders'), next())
    expect(replica.cost.roundTrips - trips).toBeLessThanOrEqual(40)
    expect(counts.requests.get - gets).toBeLessThanOrEqual(40)
  })

  test('a large value, by its overflow pages', async () => {
    const { read, root, replica } = await connection()
    const leaf = await read(root('files'))
    let pgno = new DataView(leaf.buffer, leaf.byteOffset).getUint32(4096 - 4)
    let count = 0
    for (; pgno !== 0; count++) {
      const page = await read(pgno)
      pgno = new DataView(page.buffer, page.byteOffset).getUint32(0)
    }
    expect(count).toBeGreaterThan(200)
    expect(replica.cost.roundTrips).toBeLessThanOrEqual(12)
  })

  test('again: everything is at hand', async () => {
    const { read, root, counts, replica } = await connection()
    for await (const _leaf of leaves(read, root('orders'))) void _leaf
    counts.reset()
    replica.cost.roundTrips = 0
    for await (const _leaf of leaves(read, root('orders'))) void _leaf
    expect(counts.total).toBe(0)
    expect(replica.cost.roundTrips).toBe(0)
  })
})
