/**
 * The exports of the stock sqlite3.wasm that are used here. Pointers and 32-bit integers are numbers, 64-bit integers
 * BigInts.
 *
 * @see https://sqlite.org/c3ref/funclist.html
 */
export interface SqliteExports {
  readonly __indirect_function_table: WebAssembly.Table
  __wasm_call_ctors(): void
  emscripten_stack_get_current(): number
  _emscripten_stack_restore(pointer: number): void
  malloc(bytes: number): number
  free(address: number): void

  sqlite3_initialize(): number
  sqlite3_vfs_register(vfs: number, makeDefault: number): number
  sqlite3_malloc(bytes: number): number

  /** Reads pages: only through `Engine.call`. */
  sqlite3_open_v2(name: number, out: number, flags: number, vfs: number): number
  /** Reads pages: only through `Engine.call`. */
  sqlite3_prepare_v3(db: number, sql: number, bytes: number, flags: number, out: number, tail: number): number
  /** Reads pages: only through `Engine.call`. */
  sqlite3_step(statement: number): number

  sqlite3_close_v2(db: number): number
  sqlite3_extended_result_codes(db: number, on: number): number
  sqlite3_errmsg(db: number): number
  sqlite3_errstr(code: number): number
  sqlite3_error_offset(db: number): number
  sqlite3_get_autocommit(db: number): number
  sqlite3_exec(db: number, sql: number, callback: number, argument: number, message: number): number
  sqlite3_set_authorizer(db: number, handler: number, argument: number): number
  /** sqlite3_db_config for options of an int and an int pointer. */
  sqlite3__wasm_db_config_ip(db: number, option: number, value: number, out: number): number
  sqlite3_progress_handler(db: number, steps: number, handler: number, argument: number): void
  sqlite3_create_function_v2(
    db: number,
    name: number,
    args: number,
    flags: number,
    data: number,
    func: number,
    step: number,
    final: number,
    destroy: number,
  ): number

  sqlite3_reset(statement: number): number
  sqlite3_finalize(statement: number): number
  sqlite3_stmt_readonly(statement: number): number
  /** 0 for an ordinary statement. */
  sqlite3_stmt_isexplain(statement: number): number
  sqlite3_stmt_status(statement: number, operation: number, reset: number): number
  sqlite3_clear_bindings(statement: number): number
  sqlite3_bind_parameter_count(statement: number): number
  sqlite3_bind_parameter_name(statement: number, index: number): number
  sqlite3_bind_null(statement: number, index: number): number
  sqlite3_bind_int(statement: number, index: number, value: number): number
  sqlite3_bind_int64(statement: number, index: number, value: bigint): number
  sqlite3_bind_double(statement: number, index: number, value: number): number
  sqlite3_bind_text(statement: number, index: number, text: number, bytes: number, destructor: number): number
  sqlite3_bind_blob(statement: number, index: number, blob: number, bytes: number, destructor: number): number

  sqlite3_column_count(statement: number): number
  sqlite3_column_name(statement: number, column: number): number
  sqlite3_column_type(statement: number, column: number): number
  sqlite3_column_int64(statement: number, column: number): bigint
  sqlite3_column_double(statement: number, column: number): number
  sqlite3_column_text(statement: number, column: number): number
  sqlite3_column_blob(statement: number, column: number): number
  sqlite3_column_bytes(statement: number, column: number): number

  sqlite3_user_data(context: number): number
  sqlite3_value_text(value: number): number
  sqlite3_value_bytes(value: number): number
  sqlite3_result_null(context: number): void
  sqlite3_result_int64(context: number, value: bigint): void
  sqlite3_result_text(context: number, text: number, bytes: number, destructor: number): void
  sqlite3_result_error(context: number, text: number, bytes: number): void
}

/** A destructor argument: SQLite copies the bytes before the call returns. */
export const SQLITE_TRANSIENT = -1
