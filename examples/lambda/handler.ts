// A function as AWS Lambda runs it: the database is opened by the first call of an instance and stays open for the next
// ones, which then find pages in memory and check for newer transactions at most once a second.
import { type Database, open } from 'litetap'

interface ProxyEvent {
  readonly queryStringParameters?: Readonly<Record<string, string>> | null
}

interface ProxyResult {
  readonly statusCode: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

let opening: Promise<Database> | undefined

export async function handler(event: ProxyEvent): Promise<ProxyResult> {
  const customer = Number(event.queryStringParameters?.customer)
  if (!Number.isSafeInteger(customer)) return result(400, { error: 'Give ?customer=<number>' })
  const db = await database()
  const orders = await db.all('SELECT id, amount FROM orders WHERE customer = ? ORDER BY id', [customer], {
    budget: { maxRequests: 200 }, // a query that goes wrong costs little
  })
  return result(200, { orders, asOf: new Date(db.timestamp).toISOString() })
}

/** An instance handles one call at a time, so calls may share it. A failure is not kept. */
async function database(): Promise<Database> {
  opening ??= open(process.env.REPLICA_URL ?? '')
  try {
    return await opening
  } catch (error) {
    opening = undefined
    throw error
  }
}

function result(statusCode: number, body: object): ProxyResult {
  return { statusCode, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
}
