import { DatabaseSync } from 'node:sqlite'
import { seededRandom } from '../../test/support/random.ts'

export interface Query {
  readonly sql: string
  readonly parameters: readonly (string | number)[]
}

/** Queries whose time is taken together. */
export interface Scenario {
  readonly name: string
  readonly title: string
  readonly queries: readonly Query[]
  /** Asked all at once, where the reader can; else one after another. */
  readonly together: boolean
}

export const SCENARIO_NAMES = [
  'open',
  'rowid',
  'index',
  'neighbours',
  'scattered',
  'join',
  'fts',
  'scan',
  'points',
  'points-together',
] as const

const ROWS = 1000
const POINTS = 100
/** Rows that match the full-text query: a word that is neither rare nor everywhere. */
const MATCHES = 500

export const POINT = 'SELECT id, customer_id, day, amount, payload FROM orders WHERE id = ?'

/** Some town in which 50 customers have orders; new customers come all the time. */
const TOWN_OF_50 = `
  SELECT city FROM customers c WHERE EXISTS (SELECT 1 FROM orders o WHERE o.customer_id = c.id)
  GROUP BY city ORDER BY abs(count(*) - 50), city LIMIT 1`

/** What readers are asked, with values that the database has. `open` is its first query. */
export function makeScenarios(databasePath: string): readonly Scenario[] {
  const db = new DatabaseSync(databasePath, { readOnly: true })
  const random = seededRandom(2026)
  const one = (sql: string, ...parameters: number[]) => Object.values(db.prepare(sql).get(...parameters)!)[0]!
  const orders = Number(one('SELECT max(id) FROM orders'))
  const customers = Number(one('SELECT max(id) FROM customers'))
  const order = () => Number(one('SELECT min(id) FROM orders WHERE id >= ?', 1 + Math.floor(random() * orders * 0.99)))
  const customer = () => 1 + Math.floor(random() * customers * 0.99)
  const points = () => Array.from({ length: POINTS }, () => ({ sql: POINT, parameters: [order()] }))
  const scenario = (name: string, title: string, sql: string, ...parameters: (string | number)[]) => ({
    name,
    title,
    queries: [{ sql, parameters }],
    together: false,
  })
  const scenarios = [
    scenario('open', 'open + first point query', POINT, order()),
    scenario('rowid', 'point by rowid', POINT, order()),
    scenario(
      'index',
      'point by secondary index',
      'SELECT id, name, city, profile FROM customers WHERE email = ?',
      String(one('SELECT email FROM customers WHERE id = ?', customer())),
    ),
    scenario(
      'neighbours',
      `${ROWS} rows, neighbours`,
      `SELECT id, customer_id, amount, payload FROM orders WHERE id >= ? ORDER BY id LIMIT ${ROWS}`,
      Math.floor(orders * 0.4),
    ),
    scenario(
      'scattered',
      `${ROWS} rows, scattered (index range)`,
      `SELECT id, customer_id, amount, payload FROM orders WHERE token >= ? ORDER BY token LIMIT ${ROWS}`,
      Math.floor(random() * 2 ** 30),
    ),
    scenario(
      'join',
      'join: 50 customers, their orders',
      `SELECT c.id, c.name, count(*), sum(o.amount), max(o.day) FROM customers c JOIN orders o ON o.customer_id = c.id
       WHERE c.city = ? GROUP BY c.id ORDER BY c.id`,
      String(one(TOWN_OF_50)),
    ),
    // Rounded: the engines' logarithms may differ in the last bit.
    scenario(
      'fts',
      'FTS5, top 20 by rank',
      `SELECT n.id, n.customer_id, round(f.rank, 6), substr(n.body, 1, 80) FROM notes_fts f JOIN notes n ON n.id = f.rowid
       WHERE notes_fts MATCH ? ORDER BY f.rank LIMIT 20`,
      wordWith(db, MATCHES),
    ),
    scenario('scan', 'full scan', 'SELECT count(*), sum(amount), sum(length(payload)) FROM orders'),
    { name: 'points', title: `${POINTS} random points, in turn`, queries: points(), together: false },
    { name: 'points-together', title: `${POINTS} random points, at once`, queries: points(), together: true },
  ]
  db.close()
  return scenarios
}

/** Other points than the scenarios', the same for every reader. */
export function otherPoints(databasePath: string, count: number): readonly Query[] {
  const db = new DatabaseSync(databasePath, { readOnly: true })
  const random = seededRandom(77)
  const orders = Number(db.prepare('SELECT max(id) AS id FROM orders').get()!.id)
  db.close()
  return Array.from({ length: count }, () => ({ sql: POINT, parameters: [1 + Math.floor(random() * orders * 0.99)] }))
}

function wordWith(db: DatabaseSync, documents: number): string {
  db.exec('CREATE VIRTUAL TABLE temp.words USING fts5vocab(main, notes_fts, row)')
  const row = db.prepare('SELECT term FROM words ORDER BY abs(doc - ?), term LIMIT 1').get(documents)
  return String(row!.term)
}
