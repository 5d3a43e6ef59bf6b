import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { openReplica } from '../../storage/node.ts'
import { Replicator } from '../../writer/index.ts'
import { numbers } from '../support/numbers.ts'

export interface Shop {
  readonly databasePath: string
  /** `file:` URL of its replica. */
  readonly replicaURL: string
  readonly replicaDir: string
}

/** A small shop and its replica, written and closed. @param dir where both go */
export async function replicatedShop(dir: string): Promise<Shop> {
  const databasePath = join(dir, 'shop.db')
  const replicaDir = join(dir, 'bucket')
  mkdirSync(replicaDir)
  const app = new DatabaseSync(databasePath)
  app.exec(`PRAGMA journal_mode = wal;
    CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT);
    CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER, amount REAL);
    CREATE INDEX orders_customer ON orders (customer);
    ${numbers(20)} INSERT INTO customers SELECT i, 'Name ' || i FROM n;
    ${numbers(1000)} INSERT INTO orders SELECT i, i % 20 + 1, i / 4.0 FROM n;`)
  const replicaURL = pathToFileURL(replicaDir).href
  const client = await openReplica(replicaURL)
  const replicator = new Replicator({ dbPath: databasePath, client })
  await replicator.start()
  await replicator.flush()
  await replicator.close()
  await client.close()
  app.close()
  return { databasePath, replicaURL, replicaDir }
}
