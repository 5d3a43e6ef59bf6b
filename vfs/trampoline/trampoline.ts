import { trampolineWasm } from './trampoline-wasm.ts'

/** What SQLite's C code calls, and what calls SQLite: addresses are byte offsets into its memory. */
export interface TrampolineExports {
  /** 1 while a call that may suspend is running. */
  readonly canSuspend: WebAssembly.Global
  /** Step a statement, with the import `row` called on each row, until that returns non-zero or there is no row. */
  each(statement: number): number
  /** A progress handler: yields to the event loop. */
  readonly xProgress: () => number
  /** An authorizer: asks about each thing that a statement will do. */
  readonly xAuth: () => number
  /** The entry of every scalar SQL function. */
  readonly xFunc: () => void
  /** The methods of sqlite3_vfs and sqlite3_io_methods, by their C names. */
  readonly [method: `x${string}`]: unknown
}

/** The trampoline's wasm binary: fresh bytes, for a build step that wants it as a file of its own. */
export function trampolineBytes(): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(trampolineWasm), (c) => c.charCodeAt(0))
}

/** Compile the trampoline, synchronously: it is below the 4 KiB browsers allow. Not where compiling is forbidden. */
export function compileTrampoline(): WebAssembly.Module {
  return new WebAssembly.Module(trampolineBytes())
}
