import type { Engine, EngineHooks } from '../engine/engine.ts'
import { isVfsError, type VfsError } from '../engine/errors.ts'
import { SQLITE } from '../engine/sqlite-codes.ts'
import { SQLITE_TRANSIENT } from '../engine/sqlite-exports.ts'
import {
  callFunction,
  callPragma,
  SURFACE_FUNCTIONS,
  SURFACE_PRAGMAS,
  type SurfaceContext,
  type SurfacePragma,
} from './sql-surface.ts'
import type { ActionLog } from './statement-actions.ts'

const PREFIX = 'litestream_'
const SQLITE_UTF8 = 1
/** Not from views, triggers or the schema. */
const SQLITE_DIRECTONLY = 0x80000

/** Litestream's functions and pragmas at SQLite's C border: decodes arguments, encodes results. */
export class SqlFunctions implements EngineHooks {
  /** Who asks. Without it, nothing is answered. */
  context: SurfaceContext | undefined
  /** What the surface itself threw since the last `forget`: the cause of the SQL error. */
  error: VfsError | undefined
  readonly #engine: Engine
  readonly #log: ActionLog

  /** @param log is told what statements do */
  constructor(engine: Engine, log: ActionLog) {
    this.#engine = engine
    this.#log = log
    engine.hooks = this
  }

  forget(): void {
    this.error = undefined
  }

  /** Make the functions known to an open database. @returns a result code */
  register(db: number): number {
    const { sqlite, scratch, pointers } = this.#engine
    for (const [id, name] of SURFACE_FUNCTIONS.entries()) {
      const [args, flags] = name === 'set_time' ? [1, SQLITE_UTF8 | SQLITE_DIRECTONLY] : [0, SQLITE_UTF8]
      const result = scratch.withText(PREFIX + name, (address) =>
        sqlite.sqlite3_create_function_v2(db, address, args, flags, id, pointers.scalar, 0, 0, 0),
      )
      if (result !== SQLITE.OK) return result
    }
    return SQLITE.OK
  }

  authorize(action: number, first: number, second: number): number {
    const { heap } = this.#engine
    return this.#log.authorize(
      action,
      () => heap.cString(first),
      () => (second === 0 ? undefined : heap.cString(second)),
    )
  }

  pragma(args: number): number {
    const { heap } = this.#engine
    const name = heap.cString(heap.u32(args + 4)).toLowerCase()
    const known = SURFACE_PRAGMAS.find((pragma) => PREFIX + pragma === name)
    if (!known || !this.context) return SQLITE.NOTFOUND
    const value = heap.u32(args + 8)
    return this.#answerPragma(args, known, value === 0 ? undefined : heap.cString(value), this.context)
  }

  #answerPragma(args: number, name: SurfacePragma, value: string | undefined, context: SurfaceContext): number {
    try {
      const answer = callPragma(name, value, context)
      if (answer !== undefined) this.#give(args, answer)
      return SQLITE.OK
    } catch (error) {
      this.#give(args, this.#messageOf(error))
      return SQLITE.ERROR
    }
  }

  #give(args: number, text: string): void {
    const { scratch, heap } = this.#engine
    const address = scratch.giveText(text)
    heap.view.setUint32(args, address, true)
  }

  scalar(context: number, count: number, values: number): void {
    const { sqlite, heap, scratch } = this.#engine
    const name = SURFACE_FUNCTIONS[sqlite.sqlite3_user_data(context)]
    if (!name || !this.context) {
      sqlite.sqlite3_result_null(context)
      return
    }
    try {
      const result = callFunction(name, count > 0 ? this.#argument(heap.u32(values)) : undefined, this.context)
      if (result === null) sqlite.sqlite3_result_null(context)
      else if (typeof result === 'number') sqlite.sqlite3_result_int64(context, BigInt(result))
      else scratch.withText(result, (text, bytes) => sqlite.sqlite3_result_text(context, text, bytes, SQLITE_TRANSIENT))
    } catch (error) {
      const message = this.#messageOf(error)
      scratch.withText(message, (text, bytes) => sqlite.sqlite3_result_error(context, text, bytes))
    }
  }

  #argument(value: number): string {
    const { sqlite, heap } = this.#engine
    const address = sqlite.sqlite3_value_text(value)
    return address === 0 ? '' : heap.text(address, sqlite.sqlite3_value_bytes(value))
  }

  #messageOf(error: unknown): string {
    if (isVfsError(error)) this.error = error
    return error instanceof Error ? error.message : String(error)
  }
}
