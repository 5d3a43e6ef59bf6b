import type { DatabaseSync } from 'node:sqlite'

/** How many rows the database has before its life begins. */
export interface ShopShape {
  readonly customers: number
  readonly orders: number
  readonly notes: number
  readonly places: number
  /** Mean length of an order's payload. */
  readonly payloadBytes: number
}

/** One look at what an application would see; two databases that agree on it have the same rows. */
export interface ShopSums {
  readonly orders: number
  readonly amount: number
  readonly payload: number
  readonly customers: number
  readonly spent: number
  readonly notes: number
}

const SCHEMA = `
  CREATE TABLE customers (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL, city TEXT NOT NULL,
    profile TEXT NOT NULL, spent INTEGER NOT NULL DEFAULT 0);
  CREATE UNIQUE INDEX customers_email ON customers (email);
  CREATE INDEX customers_city ON customers (city);
  CREATE TABLE orders (
    id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL, day TEXT NOT NULL, status TEXT NOT NULL,
    amount INTEGER NOT NULL, token INTEGER NOT NULL, payload TEXT NOT NULL);
  CREATE INDEX orders_customer ON orders (customer_id);
  CREATE INDEX orders_day ON orders (day);
  CREATE INDEX orders_token ON orders (token);
  CREATE TABLE notes (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL, body TEXT NOT NULL);
  CREATE VIRTUAL TABLE notes_fts USING fts5(body, content='notes', content_rowid='id');
  CREATE VIRTUAL TABLE places USING rtree(id, min_x, max_x, min_y, max_y);
  CREATE TABLE IF NOT EXISTS _litestream_seq (id INTEGER PRIMARY KEY, seq INTEGER);
  CREATE TABLE IF NOT EXISTS _litestream_lock (id INTEGER);`

/** Customers of one town: a query by town meets this many, scattered over the table. */
export const CUSTOMERS_PER_CITY = 50

const DAY_MS = 86_400_000
const HISTORY_DAYS = 730
const TOKENS = 2 ** 31
const POOL_BYTES = 1_000_000
/** Customers that are there before the first order; the others come with time. */
const FIRST_CUSTOMERS = 0.2
/** Recent orders, which most changes of status concern. */
const RECENT = 2000

type Random = () => number

/**
 * A shop's database: customers with a JSON profile, orders in the order of time (so one customer's are scattered),
 * notes with a full-text index, places in an R-tree, and Litestream's two tables. It grows as an application's would:
 * all indexes are there from the start, so tables and indexes are interleaved in the file.
 */
export class Shop {
  readonly #db: DatabaseSync
  readonly #random: Random
  readonly #shape: ShopShape
  readonly #text: TextPool
  readonly #statements
  #customers: number
  #orders: number
  #notes: number
  #places: number

  /** An empty database gets the tables, and then rows of the shape, over two years up to `now`. */
  static create(db: DatabaseSync, shape: ShopShape, { random, now }: { random: Random; now: number }): void {
    db.exec(SCHEMA)
    db.exec('BEGIN')
    new Shop(db, shape, random).#fill(now)
    db.exec('COMMIT')
  }

  /** @param db as `create` left it, or later */
  constructor(db: DatabaseSync, shape: ShopShape, random: Random) {
    this.#db = db
    this.#random = random
    this.#shape = shape
    this.#text = new TextPool(random)
    const prepare = (sql: string) => db.prepare(sql)
    this.#statements = {
      customer: prepare('INSERT INTO customers (id, name, email, city, profile) VALUES (?, ?, ?, ?, ?)'),
      order: prepare(
        'INSERT INTO orders (id, customer_id, day, status, amount, token, payload) VALUES (?, ?, ?, ?, ?, ?, ?)',
      ),
      note: prepare('INSERT INTO notes (id, customer_id, body) VALUES (?, ?, ?)'),
      index: prepare('INSERT INTO notes_fts (rowid, body) VALUES (?, ?)'),
      place: prepare('INSERT INTO places VALUES (?, ?, ?, ?, ?)'),
      spend: prepare('UPDATE customers SET spent = spent + ? WHERE id = ?'),
      status: prepare('UPDATE orders SET status = ? WHERE id = ?'),
      profile: prepare('UPDATE customers SET profile = ? WHERE id = ?'),
      cancel: prepare('DELETE FROM orders WHERE id = ?'),
      sequence: prepare(
        'INSERT INTO _litestream_seq (id, seq) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET seq = seq + 1',
      ),
    }
    const newest = (table: string) => Number(db.prepare(`SELECT ifnull(max(id), 0) AS id FROM ${table}`).get()!.id)
    this.#customers = newest('customers')
    this.#orders = newest('orders')
    this.#notes = newest('notes')
    this.#places = newest('places')
  }

  /** One small transaction of an application: mostly a new order or the next status of a recent one. */
  transact(now: number): void {
    const { spend, status, profile, cancel } = this.#statements
    const kind = this.#random()
    this.#db.exec('BEGIN IMMEDIATE')
    if (kind < 0.55) {
      const { customer, amount } = this.#insertOrder(now)
      spend.run(amount, customer)
    } else if (kind < 0.8) {
      const oldest = this.#random() < 0.8 ? Math.max(1, this.#orders - RECENT) : 1
      status.run(this.#pick(['paid', 'sent', 'done']), oldest + this.#below(this.#orders - oldest + 1))
    } else if (kind < 0.9) this.#insertNote()
    else if (kind < 0.95) profile.run(this.#profile(), 1 + this.#below(this.#customers))
    else if (kind < 0.97) this.#insertCustomer()
    else if (kind < 0.99) this.#insertPlace()
    else cancel.run(1 + this.#below(this.#orders))
    this.#db.exec('COMMIT')
  }

  /** What Litestream does after each of its checkpoints: a transaction of its own (facts 3.9). */
  bumpSequence(): void {
    this.#statements.sequence.run()
  }

  #fill(now: number): void {
    const { customers, orders, notes, places } = this.#shape
    for (let i = 0; i < customers * FIRST_CUSTOMERS; i++) this.#insertCustomer()
    for (let i = 1; i <= orders; i++) {
      const share = i / orders
      while (this.#customers < customers * (FIRST_CUSTOMERS + (1 - FIRST_CUSTOMERS) * share)) this.#insertCustomer()
      this.#insertOrder(now - HISTORY_DAYS * DAY_MS * (1 - share))
      while (this.#notes < notes * share) this.#insertNote()
      while (this.#places < places * share) this.#insertPlace()
    }
    this.#statements.sequence.run()
  }

  #insertCustomer(): void {
    const id = ++this.#customers
    const towns = Math.max(1, Math.round(this.#shape.customers / CUSTOMERS_PER_CITY))
    const [first, last] = [this.#text.word(), this.#text.word()]
    const email = `${first}.${last}.${id}@example.org`
    // 7919 is prime: neighbours live in different towns, and every town gets as many.
    const city = `Town ${(id * 7919) % towns}`
    this.#statements.customer.run(id, `${first} ${last}`, email, city, this.#profile())
  }

  #insertOrder(now: number): { customer: number; amount: number } {
    const id = ++this.#orders
    const customer = 1 + Math.floor(this.#customers * this.#random() ** 1.3)
    const day = new Date(now).toISOString().slice(0, 10)
    const amount = 100 + this.#below(50_000)
    const token = this.#below(TOKENS)
    const length = Math.round(this.#shape.payloadBytes * (0.5 + this.#random()))
    const payload = `{"ref":"${this.#hex()}","memo":"${this.#text.piece(length)}"}`
    this.#statements.order.run(id, customer, day, 'new', amount, token, payload)
    return { customer, amount }
  }

  #insertNote(): void {
    const id = ++this.#notes
    const body = this.#text.piece(100 + this.#below(500))
    this.#statements.note.run(id, 1 + this.#below(this.#customers), body)
    this.#statements.index.run(id, body)
  }

  #insertPlace(): void {
    const [x, y] = [this.#random() * 360 - 180, this.#random() * 180 - 90]
    this.#statements.place.run(++this.#places, x, x + 0.01, y, y + 0.01)
  }

  #profile(): string {
    const tags = [this.#text.word(), this.#text.word()]
    return JSON.stringify({ key: this.#hex(), tags, newsletter: this.#random() < 0.3, score: this.#below(1000) })
  }

  #hex(): string {
    const part = () =>
      this.#below(2 ** 32)
        .toString(16)
        .padStart(8, '0')
    return part() + part()
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit)
  }

  #pick<T>(values: readonly T[]): T {
    return values[this.#below(values.length)]!
  }
}

/** The sums of a database, by any connection to it. */
export function shopSums(db: DatabaseSync): ShopSums {
  return JSON.parse(String(db.prepare(`SELECT json(${SHOP_SUMS}) AS sums`).get()!.sums)) as ShopSums
}

/** An SQL expression for the same, to be asked of readers of any kind. */
export const SHOP_SUMS = `(SELECT json_object(
  'orders', (SELECT count(*) FROM orders), 'amount', (SELECT sum(amount) FROM orders),
  'payload', (SELECT sum(length(payload)) FROM orders), 'customers', (SELECT count(*) FROM customers),
  'spent', (SELECT sum(spent) FROM customers), 'notes', (SELECT count(*) FROM notes)))`

/** Text that compresses like text: words of very different frequency, cut from one pool. */
class TextPool {
  readonly #random: Random
  readonly #words: readonly string[]
  readonly #pool: string

  constructor(random: Random) {
    this.#random = random
    const syllables = [
      'ka',
      'lo',
      'mi',
      'ren',
      'so',
      'ta',
      'ver',
      'un',
      'del',
      'pa',
      'qui',
      'ner',
      'bo',
      'stra',
      'fe',
      'gi',
    ]
    const word = () =>
      Array.from({ length: 1 + Math.floor(random() * 3.5) }, () => syllables[Math.floor(random() * 16)])
    this.#words = Array.from({ length: 4000 }, () => word().join(''))
    const pool: string[] = []
    for (let length = 0; length < POOL_BYTES; length += pool.at(-1)!.length + 1) pool.push(this.word())
    this.#pool = pool.join(' ')
  }

  word(): string {
    return this.#words[Math.floor(this.#words.length * this.#random() ** 3)]!
  }

  /** About `length` bytes, whole words. */
  piece(length: number): string {
    const start = this.#pool.indexOf(' ', Math.floor(this.#random() * (this.#pool.length - length - 20))) + 1
    return this.#pool.slice(start, this.#pool.indexOf(' ', start + length - 1))
  }
}
