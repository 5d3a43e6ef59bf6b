import { SQLITE } from '../engine/sqlite-codes.ts'

/** What SQLite tells its authorizer (https://sqlite.org/c3ref/c_alter_table.html). */
const ACTION = { PRAGMA: 19, SELECT: 21, TRANSACTION: 22, ATTACH: 24, DETACH: 25, SAVEPOINT: 32 } as const
const SQLITE_DENY = 1

/** Pragmas that only answer, whatever they are given. */
const ANSWERING = new Set([
  'collation_list',
  'compile_options',
  'database_list',
  'foreign_key_check',
  'foreign_key_list',
  'function_list',
  'index_info',
  'index_list',
  'index_xinfo',
  'integrity_check',
  'module_list',
  'pragma_list',
  'quick_check',
  'stats',
  'table_info',
  'table_list',
  'table_xinfo',
])
/** Pragmas that only answer when they are given nothing. */
const ANSWERING_ALONE = new Set([
  'application_id',
  'auto_vacuum',
  'cache_size',
  'data_version',
  'encoding',
  'freelist_count',
  'journal_mode',
  'page_count',
  'page_size',
  'schema_version',
  'user_version',
])
/** Litestream's are answered by this library, and leave nothing behind. */
const OURS = /^litestream_/

/** What one statement does, as SQLite says while it compiles the statement. */
export interface StatementActions {
  /** BEGIN, COMMIT, SAVEPOINT, ...: refused, since transactions are the library's business. */
  readonly transaction: string | undefined
  /** It reads tables, and is no pragma. */
  readonly selects: boolean
  /** It has a pragma: some take effect, or fix their answer, when they are compiled. */
  readonly pragma: boolean
}

const NOTHING: StatementActions = { transaction: undefined, selects: false, pragma: false }

/**
 * Learns from SQLite what statements do, instead of reading their text, which SQLite reads in ways of its own. What leaves
 * something behind in the connection is noted until `clear`, also when it comes from within a running statement.
 */
export class ActionLog {
  /** Something was done that stays in the connection: a setting, an attached database. */
  lasting = false
  /** What was noted of the statement that was compiled last. */
  actions: StatementActions = NOTHING
  #phase: 'compiling' | 'running' | 'refusing' | 'ignoring' = 'ignoring'

  /** SQLite's question. @param first and second are read when they are needed. @returns SQLITE_OK or SQLITE_DENY */
  authorize(action: number, first: () => string, second: () => string | undefined): number {
    if (this.#phase === 'refusing') return SQLITE_DENY
    if (this.#phase === 'ignoring') return SQLITE.OK
    switch (action) {
      case ACTION.TRANSACTION:
      case ACTION.SAVEPOINT:
        if (this.#phase === 'running') break // VACUUM's own
        this.actions = { ...this.actions, transaction: action === ACTION.SAVEPOINT ? 'SAVEPOINT' : first() }
        return SQLITE_DENY
      case ACTION.SELECT:
        if (!this.actions.selects) this.actions = { ...this.actions, selects: true }
        break
      case ACTION.ATTACH:
      case ACTION.DETACH:
        this.lasting = true
        break
      case ACTION.PRAGMA: {
        this.actions = { ...this.actions, pragma: true }
        const name = first().toLowerCase()
        const answers = ANSWERING.has(name) || OURS.test(name) || (ANSWERING_ALONE.has(name) && second() === undefined)
        if (!answers) this.lasting = true
      }
    }
    return SQLITE.OK
  }

  /** A statement is being compiled: note what it does. */
  compile(): void {
    this.#phase = 'compiling'
    this.actions = NOTHING
  }

  /** It has been. Statements that run can do things of their own. */
  compiled(): void {
    this.#phase = 'running'
  }

  /** Refuse whatever a text does for the time of `call`: what compiles nevertheless does nothing. */
  refusing<T>(call: () => T): T {
    const before = this.#phase
    this.#phase = 'refusing'
    try {
      return call()
    } finally {
      this.#phase = before
    }
  }

  /** Statements of this library's own follow: all of them are allowed, and none is noted. */
  ignore(): void {
    this.#phase = 'ignoring'
  }

  /** Nothing has been left behind. */
  clear(): void {
    this.lasting = false
    this.ignore()
  }
}
