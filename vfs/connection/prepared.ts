import type { Engine, Unfinished } from '../engine/engine.ts'
import type { StatementActions } from './statement-actions.ts'

/** How often SQLite compiled the statement again by itself. */
const SQLITE_STMTSTATUS_REPREPARE = 5

/** A compiled statement of one open database. It dies with that database. */
export class Prepared {
  readonly sql: string
  readonly pointer: number
  /** It changes nothing, temporary tables included. */
  readonly readOnly: boolean
  /** It reads tables and does nothing else: running it ahead of itself has no effect. */
  readonly onlySelects: boolean
  /** Compiled once, it means the same each time it runs. */
  readonly lasts: boolean
  /** By index less one; undefined for `?`. */
  readonly parameters: readonly (string | undefined)[]
  /** How its last run went: whether it is worth trying without waiting. One that computes stays so. */
  lastRun: 'at once' | Unfinished | undefined
  readonly #engine: Engine
  #columns: string[] | undefined
  #compiled = 0

  /** @param actions what SQLite said of it while it was compiled */
  constructor(engine: Engine, sql: string, pointer: number, actions: StatementActions) {
    const { sqlite, heap } = engine
    this.#engine = engine
    this.sql = sql
    this.pointer = pointer
    this.readOnly = sqlite.sqlite3_stmt_readonly(pointer) !== 0
    const plain = sqlite.sqlite3_stmt_isexplain(pointer) === 0
    this.onlySelects = this.readOnly && plain && actions.selects && !actions.pragma
    this.lasts = !actions.pragma
    this.parameters = Array.from({ length: sqlite.sqlite3_bind_parameter_count(pointer) }, (_, i) => {
      const name = sqlite.sqlite3_bind_parameter_name(pointer, i + 1)
      return name === 0 ? undefined : heap.cString(name)
    })
  }

  /** The names of its columns, which can change when SQLite compiles it again. */
  columns(): readonly string[] {
    const { sqlite, heap } = this.#engine
    const compiled = sqlite.sqlite3_stmt_status(this.pointer, SQLITE_STMTSTATUS_REPREPARE, 0)
    if (!this.#columns || compiled !== this.#compiled) {
      this.#compiled = compiled
      this.#columns = Array.from({ length: sqlite.sqlite3_column_count(this.pointer) }, (_, i) =>
        heap.cString(sqlite.sqlite3_column_name(this.pointer, i)),
      )
    }
    return this.#columns
  }

  /** Back to before its first row, with its parameters. */
  reset(): void {
    this.#engine.sqlite.sqlite3_reset(this.pointer)
  }

  /** As after preparing it: large parameters do not stay in memory. */
  clear(): void {
    this.reset()
    if (this.parameters.length > 0) this.#engine.sqlite.sqlite3_clear_bindings(this.pointer)
  }

  finalize(): void {
    this.#engine.sqlite.sqlite3_finalize(this.pointer)
  }
}
