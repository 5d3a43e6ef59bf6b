import { eq, sql } from 'drizzle-orm'
import { integer, real, sqliteTable, text } from 'drizzle-orm/sqlite-core'
import { Kysely } from 'kysely'
import { open } from 'litetap'
import { beforeAll, expect, test } from 'vitest'
import { litetapDrizzle } from '../../examples/drizzle/litetap-drizzle.ts'
import { LitetapDialect } from '../../examples/kysely/litetap-dialect.ts'
import { suiteDir } from '../support/temp-dir.ts'
import { replicatedShop, type Shop } from './shop.ts'

interface Tables {
  customers: { id: number; name: string }
  orders: { id: number; customer: number; amount: number }
}

const dir = suiteDir()
let shop: Shop

beforeAll(async () => {
  shop = await replicatedShop(dir)
})

test('Kysely: a join, a stream, a transaction, the tables that there are', async () => {
  const db = new Kysely<Tables>({ dialect: new LitetapDialect(await open(shop.replicaURL)) })
  const joined = await db
    .selectFrom('orders')
    .innerJoin('customers', 'customers.id', 'orders.customer')
    .select(['customers.name', 'orders.amount'])
    .where('orders.id', '<', 3)
    .orderBy('orders.id')
    .execute()
  expect(joined).toEqual([
    { name: 'Name 2', amount: 0.25 },
    { name: 'Name 3', amount: 0.5 },
  ])
  let streamed = 0
  for await (const { id } of db.selectFrom('orders').select('id').stream()) streamed += id
  expect(streamed).toBe(500_500)
  const counted = await db.transaction().execute(async (tx) => {
    const all = await tx.selectFrom('orders').select(tx.fn.countAll<number>().as('n')).executeTakeFirstOrThrow()
    const few = await tx.selectFrom('orders').select('id').where('customer', '=', 7).execute()
    return [all.n, few.length]
  })
  expect(counted).toEqual([1000, 50])
  const tables = await db.introspection.getTables()
  expect(tables.map(({ name }) => name).filter((name) => !name.startsWith('_'))).toEqual(['customers', 'orders'])
  await expect(db.deleteFrom('orders').execute()).rejects.toMatchObject({ code: 'VFS_READONLY' })
  await db.destroy()
})

const customers = sqliteTable('customers', { id: integer().primaryKey(), name: text() })
const orders = sqliteTable('orders', { id: integer().primaryKey(), customer: integer(), amount: real() })

test('Drizzle: rows, one row, no row, an aggregate', async () => {
  const database = await open(shop.replicaURL)
  const db = litetapDrizzle(database, { customers, orders })
  const rows = await db.select().from(orders).where(eq(orders.customer, 7)).limit(2)
  expect(rows).toEqual([
    { id: 6, customer: 7, amount: 1.5 },
    { id: 26, customer: 7, amount: 6.5 },
  ])
  const byName = db.select({ id: customers.id }).from(customers)
  expect(await byName.where(eq(customers.name, 'Name 5')).get()).toEqual({ id: 5 })
  expect(await byName.where(eq(customers.name, 'nobody')).get()).toBeUndefined()
  const [sum] = await db.select({ total: sql<number>`sum(${orders.amount})` }).from(orders)
  expect(sum).toEqual({ total: 125_125 })
  await database.close()
})
