import { isReplicaError, type ReplicaErrorCode } from '../../replica/index.ts'
import { isStorageError, type StorageErrorCode } from '../../storage/index.ts'
import { isVfsError, type VfsErrorCode } from '../../vfs/index.ts'
import { type Query, rowText } from './native.ts'
import { describeRank, type Rank, type WriterModel } from './writer-model.ts'

/** The reader did what it must not do. */
export class Wrong extends Error {
  override readonly name = 'Wrong'
}

/** Thrown by what the reader calls, on purpose. */
export class Expected extends Error {
  override readonly name = 'Expected'
}

/** Which states a result may be of. */
export interface Sight {
  /** Not older than this one. */
  readonly floor: Rank
  /** Exactly this one. */
  readonly fixed?: Rank
}

/** What may fail, and why. */
export interface Excuses {
  /** Requests fail, are lost, are cut short; listings are old. */
  readonly hostile?: boolean
  /** The state is kept over changes of the bucket, which may take its files away. */
  readonly pinned?: boolean
  /** The operation was given up with this reason. */
  readonly reason?: unknown
  /** It has a budget. */
  readonly budget?: boolean
  /** It has a time limit. */
  readonly timeout?: boolean
  /** The database is being closed. */
  readonly closing?: boolean
  /** The tier of pages that lasts forgets some. */
  readonly forgets?: boolean
}

const SQLITE_ERROR = 1
const SQLITE_CORRUPT = 11
const FULL_SCAN: Query = { sql: 'SELECT sum(length(v)) FROM t', parameters: [] }

/** Compares what a reader says with what the system's SQLite says of the same state. */
export class Oracle {
  /** Results that were compared. */
  compared = 0
  /** A transaction waits for the pool that it holds a connection of. */
  deadlocks = false
  /** Failures that were excused. */
  failures = 0
  /** The same, by code. */
  readonly excused = new Map<string, number>()
  readonly #writer: WriterModel

  constructor(writer: WriterModel) {
    this.#writer = writer
  }

  /**
   * @param rows in order, all there are or the first ones
   * @returns the state they are of, where they say it
   * @throws Wrong
   */
  rows(query: Query, rows: readonly object[], complete: boolean, sight: Sight): Rank | undefined {
    this.compared++
    const rank = this.#rankOf(query, rows)
    if (rank === undefined) {
      const ranks = sight.fixed === undefined ? this.#writer.ranksFrom(sight.floor) : [sight.fixed]
      if (ranks.some((each) => this.#difference(query, rows, complete, each) === undefined)) return undefined
      const at = ranks.at(-1)!
      throw new Wrong(
        `${show(query)} is right at none of ${ranks.length} states; at the newest, ${describeRank(at)}: ${this.#difference(query, rows, complete, at)}`,
      )
    }
    if (sight.fixed !== undefined && rank !== sight.fixed) {
      throw new Wrong(`${show(query)} ran at ${describeRank(rank)} instead of ${describeRank(sight.fixed)}`)
    }
    this.notBefore(rank, sight.floor, show(query))
    const difference = this.#difference(query, rows, complete, rank)
    if (difference !== undefined) throw new Wrong(`${show(query)} at ${describeRank(rank)}: ${difference}`)
    return rank
  }

  /** @throws Wrong when a state is older than one that was shown before */
  notBefore(rank: Rank, floor: Rank, what: string): void {
    if (rank < floor) throw new Wrong(`${what}: back at ${describeRank(rank)} after ${describeRank(floor)} was shown`)
  }

  /** The state that a database says it is at. @throws Wrong when there was none such */
  find(txid: unknown, time: unknown, what: string): Rank {
    const rank = this.#writer.find(txid, time)
    if (rank === undefined) throw new Wrong(`${what}: there never was a state of TXID ${txid} made at ${time}`)
    return rank
  }

  /** @throws Wrong for a failure that must not be */
  failure(error: unknown, query: Query | undefined, sight: Sight, excuses: Excuses): void {
    if (error instanceof Wrong) throw error
    const code = this.#codeOf(error)
    if (code !== undefined && (this.#excuses(code, error, excuses) || this.#isSqlites(code, query, sight))) {
      this.failures++
      this.excused.set(code, (this.excused.get(code) ?? 0) + 1)
      return
    }
    const what = query ? show(query) : 'it'
    throw new Wrong(`${what} must not fail: ${error instanceof Error ? error.stack : String(error)}`, { cause: error })
  }

  #codeOf(error: unknown): string | undefined {
    if (isStorageError(error) || isReplicaError(error) || isVfsError(error)) return error.code
    return 'reason'
  }

  #excuses(code: string, error: unknown, excuses: Excuses): boolean {
    const { hostile = false, pinned = false, budget = false, timeout = false, closing = false } = excuses
    const begunAnew = this.#writer.beginning > 0
    switch (code as ReplicaErrorCode | StorageErrorCode | VfsErrorCode | 'reason') {
      case 'reason':
        return excuses.reason !== undefined && error === excuses.reason
      case 'REPLICA_SNAPSHOT_GONE':
        return (this.#writer.swept && (pinned || hostile)) || (begunAnew && (pinned || hostile)) || hostile
      case 'REPLICA_DAMAGED':
        return hostile || (begunAnew && pinned)
      case 'REPLICA_NON_CONTIGUOUS':
      case 'REPLICA_TX_NOT_AVAILABLE':
        return hostile || pinned
      case 'REPLICA_EMPTY':
      case 'REPLICA_PAGE_SIZE':
        return hostile && begunAnew
      case 'VFS_DEADLOCK':
        return this.deadlocks
      case 'REPLICA_STORE':
        return excuses.forgets === true
      case 'REPLICA_BUDGET':
        return budget
      case 'REPLICA_WAIT_TIMEOUT':
        return timeout
      case 'REPLICA_CLOSED':
      case 'VFS_CLOSED':
      case 'VFS_INTERRUPTED':
      case 'STORAGE_CLOSED':
        return closing
      default:
        return hostile && ['STORAGE_SERVER_ERROR', 'STORAGE_TIMEOUT', 'STORAGE_SHORT_READ'].includes(code)
    }
  }

  /** SQLite itself says so, on one of the states that the query may have run on. */
  #isSqlites(code: string, query: Query | undefined, { floor, fixed }: Sight): boolean {
    if (query === undefined || (code !== 'VFS_SQL' && code !== 'VFS_CORRUPT')) return false
    const expected = code === 'VFS_SQL' ? SQLITE_ERROR : SQLITE_CORRUPT
    const ranks = fixed === undefined ? this.#writer.ranksFrom(floor) : [fixed]
    return ranks.some((rank) => {
      const state = this.#writer.state(rank)
      const answers = code === 'VFS_CORRUPT' ? [state.answer(query), state.answer(FULL_SCAN)] : [state.answer(query)]
      return answers.some((answer) => answer.code === expected)
    })
  }

  #rankOf(query: Query, rows: readonly object[]): Rank | undefined {
    const first = rows[0] as { tx?: unknown; tm?: unknown } | undefined
    if (first?.tx === undefined) return undefined
    const rank = this.find(first.tx, first.tm, show(query))
    for (const row of rows as (typeof first)[]) {
      if (row.tx !== first.tx || row.tm !== first.tm) throw new Wrong(`${show(query)}: rows of several states`)
    }
    return rank
  }

  /** What is not as SQLite says, in words. */
  #difference(query: Query, rows: readonly object[], complete: boolean, rank: Rank): string | undefined {
    const answer = this.#writer.state(rank).answer(query)
    if (complete && answer.code !== undefined) return `${rows.length} rows where SQLite fails with code ${answer.code}`
    const got = rows.map(rowText)
    const wrong = got.findIndex((row, i) => row !== answer.rows[i])
    if (wrong >= 0) return `row ${wrong} is ${cut(got[wrong]!)} instead of ${cut(answer.rows[wrong])}`
    if (complete && got.length !== answer.rows.length) return `${got.length} rows instead of ${answer.rows.length}`
    return undefined
  }
}

export function show({ sql, parameters }: Query): string {
  return parameters.length === 0 ? sql : `${sql} ${JSON.stringify(parameters)}`
}

function cut(text: string | undefined): string {
  return text === undefined ? 'no row' : text.slice(0, 300)
}
