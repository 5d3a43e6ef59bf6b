import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { TXID } from '../../ltx/index.ts'
import { FileReplica } from '../../storage/file/index.ts'
import { Replicator } from '../../writer/index.ts'

const SCHEMA = `
  PRAGMA journal_mode = wal;
  CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL, city TEXT, since TEXT);
  CREATE TABLE products (id INTEGER PRIMARY KEY, name TEXT NOT NULL, cents INTEGER NOT NULL, weight REAL, picture BLOB);
  CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER NOT NULL REFERENCES customers, day TEXT NOT NULL, state TEXT NOT NULL, note TEXT);
  CREATE TABLE order_lines (order_id INTEGER NOT NULL REFERENCES orders, product INTEGER NOT NULL REFERENCES products, count INTEGER NOT NULL, PRIMARY KEY (order_id, product)) WITHOUT ROWID;
  CREATE TABLE discounts (code TEXT PRIMARY KEY, percent INTEGER NOT NULL, until TEXT);
  CREATE INDEX orders_by_customer ON orders (customer);
  CREATE INDEX orders_by_day ON orders (day);
  CREATE VIEW revenue AS SELECT o.day, count(DISTINCT o.id) AS orders, sum(l.count * p.cents) / 100.0 AS revenue
    FROM orders o JOIN order_lines l ON l.order_id = o.id JOIN products p ON p.id = l.product GROUP BY o.day;
  WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500)
    INSERT INTO customers SELECT i,
      trim(substr('Ada  Ben  Cleo Dan  Eva  Finn Gwen Hugo Iris Jan  Kira ', 1 + 5 * (i % 11), 5)) || ' ' || i,
      CASE i % 5 WHEN 0 THEN 'Lisbon' WHEN 1 THEN 'Oslo' WHEN 2 THEN 'Turin' WHEN 3 THEN 'Gdańsk' END,
      date('2024-01-01', (i % 600) || ' days') FROM n;
  WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 120)
    INSERT INTO products SELECT i, 'Product ' || i, 250 + 37 * i, i * 0.25, CASE WHEN i % 3 THEN unhex(printf('%064x', i * 99991)) END FROM n;
  WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9000)
    INSERT INTO orders SELECT i, 1 + (i * 7919) % 1500, date('2026-06-01', (i / 60) || ' days'),
      CASE i % 9 WHEN 0 THEN 'open' WHEN 1 THEN 'returned' ELSE 'sent' END, CASE WHEN i % 4 = 0 THEN 'gift wrap' END FROM n;
  INSERT INTO order_lines SELECT id, 1 + (id * 31 + k.i * 17) % 120, 1 + (id + k.i) % 4
    FROM orders, (SELECT 0 AS i UNION SELECT 1 UNION SELECT 2) AS k;
  WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20)
    INSERT INTO discounts SELECT printf('SAVE%02d', i), i, date('2026-12-01', i || ' days') FROM n;
`

/** A shop whose database is replicated live to a folder. */
export interface Shop {
  readonly replicaDir: string
  /** Commit, and wait until that is durable in the replica. @returns its TXID */
  commit(sql: string): Promise<TXID>
  /** What the primary itself answers. */
  ask(sql: string): readonly Record<string, unknown>[]
  close(): Promise<void>
}

export async function openShop(dir: string): Promise<Shop> {
  const path = join(dir, 'shop.db')
  const replicaDir = join(dir, 'replica')
  mkdirSync(replicaDir)
  const app = new DatabaseSync(path)
  app.exec(SCHEMA)
  const client = new FileReplica({ path: replicaDir })
  const replicator = new Replicator({ dbPath: path, client })
  await replicator.start()
  await replicator.flush()
  return {
    replicaDir,
    commit: (sql) => {
      app.exec(sql)
      return replicator.flush()
    },
    ask: (sql) => app.prepare(sql).all(),
    close: async () => {
      await replicator.close()
      await client.close()
      app.close()
    },
  }
}

/** A day of the shop, one transaction after the other. */
export async function trade(shop: Shop, transactions: number): Promise<void> {
  for (let i = 0; i < transactions; i++) {
    const id = 9001 + i
    await shop.commit(`
      INSERT INTO orders VALUES (${id}, ${1 + ((i * 37) % 1500)}, date('2026-10-29'), 'open', NULL);
      INSERT INTO order_lines VALUES (${id}, ${1 + (i % 120)}, ${1 + (i % 3)});
      UPDATE orders SET state = 'sent' WHERE id BETWEEN ${i * 40} AND ${i * 40 + (i % 7) * 12} AND state = 'open';
    `)
  }
}
