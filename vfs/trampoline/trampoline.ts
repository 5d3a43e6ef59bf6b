import { trampolineWasm } from './trampoline-wasm.ts'

/** What SQLite's C code calls, and what calls SQLite: addresses are byte offsets into its memory. */
export interface TrampolineExports {
  /** 1 while a call that may suspend is running. */
  readonly canSuspend: WebAssembly.Global
  /** Step a statement, with the import `row` called on each row, until that returns non-zero or there is no row. */
  each(statement: number): number
  /** A progress handler: gives others a turn. */
  readonly xProgress: () => number
  /** The entry of every scalar SQL function. */
  readonly xFunc: () => void
  /** The methods of sqlite3_vfs and sqlite3_io_methods, by their C names. */
  readonly [method: `x${string}`]: unknown
}

/** What trampoline.as.ts imports beside SQLite's own exports. Result codes are SQLite's. */
export interface TrampolineHost {
  /** @param name address of the file's name */
  open(name: number): number
  close(): void
  /** Bytes of the database. */
  size(): number
  /** @returns a result code, or -1 for a page that is not at hand */
  readNow(target: number, length: number, offset: number): number
  /** What the bridge does about a page that is not at hand: a function, or a WebAssembly.Suspending. */
  readonly readLater: unknown
  /** @param args address of the `char *[4]` of SQLITE_FCNTL_PRAGMA */
  pragma(args: number): number
  random(target: number, length: number): void
  /** Milliseconds since the Unix epoch. */
  now(): number
  /** @returns not 0 when SQLite has run for long without a pause */
  turnDue(): number
  /** A pause, if the bridge can have one: a function, or a WebAssembly.Suspending. Gives not 0 to stop the query. */
  readonly takeTurn: unknown
  /** @returns not 0 to stop stepping */
  row(statement: number): number
  scalar(context: number, count: number, values: number): void
}

/** The trampoline's wasm binary: fresh bytes, for a build step that wants it as a file of its own. */
export function trampolineBytes(): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(trampolineWasm), (c) => c.charCodeAt(0))
}

/** Compile the trampoline, synchronously: it is below the 4 KiB browsers allow. Not where compiling is forbidden. */
export function compileTrampoline(): WebAssembly.Module {
  return new WebAssembly.Module(trampolineBytes())
}
