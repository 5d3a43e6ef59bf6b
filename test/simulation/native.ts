import { writeFileSync } from 'node:fs'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'

/** A query and what is bound to it. */
export interface Query {
  readonly sql: string
  readonly parameters: readonly (string | number | null)[]
}

/** What SQLite answers. */
export interface Answer {
  /** As text. */
  readonly rows: readonly string[]
  /** Of the failure behind those rows, if there is one: the primary result code. */
  readonly code?: number
}

/** Columns that name the state which a row is of: no part of what is compared. */
export const STATE_COLUMNS = ['tx', 'tm'] as const

/** One row as text; blobs in hex. */
export function rowText(row: object): string {
  return JSON.stringify(row, (key, value) => {
    if (key === STATE_COLUMNS[0] || key === STATE_COLUMNS[1]) return null
    if (typeof value === 'bigint') return `${value}n`
    return value instanceof Uint8Array ? `x'${Buffer.from(value).toString('hex')}'` : value
  })
}

/** One state of a database as the system's SQLite reads it: what is asked again is not computed again. */
export class NativeState {
  /** Bytes. */
  readonly size: number
  readonly #image: Buffer
  readonly #path: string
  readonly #answers = new Map<string, Answer>()
  #db: DatabaseSync | undefined

  constructor(image: Buffer, path: string) {
    this.size = image.length
    this.#image = image
    this.#path = path
  }

  answer(query: Query): Answer {
    const key = query.parameters.length === 0 ? query.sql : `${query.sql} ${JSON.stringify(query.parameters)}`
    const known = this.#answers.get(key)
    if (known) return known
    const answer = this.#ask(query)
    this.#answers.set(key, answer)
    return answer
  }

  #ask({ sql, parameters }: Query): Answer {
    this.#db ??= this.#open()
    const rows: string[] = []
    try {
      for (const row of this.#db.prepare(sql).iterate(...(parameters as SQLInputValue[]))) rows.push(rowText(row))
      return { rows }
    } catch (error) {
      const { errcode } = error as { errcode?: number }
      if (errcode === undefined) throw error
      return { rows, code: errcode & 0xff }
    }
  }

  #open(): DatabaseSync {
    const image = Buffer.from(this.#image)
    image[18] = 1 // no WAL: it is read where it lies
    image[19] = 1
    writeFileSync(this.#path, image)
    const db = new DatabaseSync(this.#path, { readOnly: true })
    db.function('litestream_txid', () => null)
    db.function('litestream_time', () => null)
    return db
  }
}
