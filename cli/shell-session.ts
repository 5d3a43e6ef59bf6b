import type { Cost } from '../replica/index.ts'
import type { Database } from '../vfs/index.ts'
import { CliError } from './errors.ts'
import { type CliIO, print } from './io.ts'
import { describeCost, parseTarget, type Reader } from './reader.ts'
import { parseRowFormat, type RowFormatName, rowFormat } from './row-format.ts'
import { runQuery } from './run-query.ts'
import { formatTimestamp } from './timestamp.ts'

const HELP = `.tables            the tables and views
.schema [NAME]     the SQL that made them
.at TIME|latest    read the database as it was before a time
.mode table|json|csv
.timer on|off      what each query took and cost
.stats             what everything so far has cost
.quit              leave; Ctrl-D does so, too`

const TABLES = `SELECT name, type FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
  AND name NOT LIKE '\\_litestream\\_%' ESCAPE '\\' ORDER BY name`

/** What a shell remembers between its lines. */
export class ShellSession {
  readonly #reader: Reader
  readonly #io: CliIO
  #database: Database
  #mode: RowFormatName = 'table'
  #timer = true

  constructor(reader: Reader, io: CliIO) {
    this.#reader = reader
    this.#io = io
    this.#database = reader.database
  }

  /** Where one is. */
  greeting(): string {
    const { txid, timestamp } = this.#database
    return `TXID ${txid.toString(16).padStart(16, '0')}, ${formatTimestamp(timestamp)}. ".help" for help.`
  }

  async query(sql: string, signal: AbortSignal): Promise<void> {
    const { stdout, stderr } = this.#io
    const started = this.#io.now()
    const before = this.#database.stats()
    const { budget } = this.#reader
    const format = (columns: readonly string[]) => rowFormat(this.#mode, columns, stdout)
    await runQuery(this.#database, sql, { format, budget, signal })
    if (this.#timer) print(stderr, `(${describeCost(since(before, this.#database.stats()), this.#io.now() - started)})`)
  }

  /** Run a line that begins with a point. */
  async command(line: string, signal: AbortSignal): Promise<'quit' | undefined> {
    const [, name = '', rest = ''] = /^\.(\S*)\s*(.*?)\s*;?$/.exec(line) ?? []
    switch (name) {
      case 'quit':
      case 'exit':
        return 'quit'
      case 'help':
        print(this.#io.stdout, HELP)
        return
      case 'tables':
        await this.query(TABLES, signal)
        return
      case 'schema':
        await this.#schema(rest, signal)
        return
      case 'at':
        await this.#travel(rest, signal)
        return
      case 'mode':
        this.#mode = parseMode(rest)
        return
      case 'timer':
        if (rest !== 'on' && rest !== 'off') throw new CliError('CLI_USAGE', '.timer must be on or off')
        this.#timer = rest === 'on'
        return
      case 'stats':
        print(this.#io.stdout, describeStats(this.#database.stats()))
        return
      default:
        throw new CliError('CLI_USAGE', `.${name}: unknown command`, { hint: '.help' })
    }
  }

  async close(): Promise<void> {
    await this.#reader.close()
  }

  async #schema(name: string, signal: AbortSignal): Promise<void> {
    const sql = `SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND (?1 = '' OR name = ?1 OR tbl_name = ?1) ORDER BY rowid`
    for (const row of await this.#database.all(sql, [name], { signal })) print(this.#io.stdout, `${String(row.sql)};`)
  }

  async #travel(text: string, signal: AbortSignal): Promise<void> {
    const target = await parseTarget(text, this.#io.now())
    this.#database = target ? await this.#reader.database.at(target, { signal }) : this.#reader.database
    if (!target) await this.#database.refresh({ signal })
    print(this.#io.stdout, this.greeting())
  }
}

function parseMode(text: string): RowFormatName {
  try {
    return parseRowFormat(text)
  } catch (error) {
    throw new CliError('CLI_USAGE', `.mode ${(error as Error).message}`)
  }
}

function since(before: Cost, now: Cost): Cost {
  const cost = { ...now }
  for (const key of Object.keys(cost) as (keyof Cost)[]) cost[key] -= before[key]
  return cost
}

function describeStats(cost: Cost): string {
  const names: Readonly<Record<keyof Cost, string>> = {
    requests: 'requests',
    bytes: 'bytes',
    roundTrips: 'round trips',
    hits: 'pages at hand',
    misses: 'pages fetched',
    prefetchUseful: 'read ahead and used',
    prefetchWasted: 'read ahead for nothing',
  }
  return (Object.keys(names) as (keyof Cost)[]).map((key) => `${names[key].padEnd(24)}${cost[key]}`).join('\n')
}
