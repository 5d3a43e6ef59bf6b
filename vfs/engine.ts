import { type BridgeKind, detectBridge, promising, suspending } from './bridge.ts'
import { DatabaseFile } from './database-file.ts'
import { VfsError } from './errors.ts'
import { Heap } from './heap.ts'
import { functionPointer, registerVfs } from './register-vfs.ts'
import { SQLITE, sqliteCodeName } from './sqlite-codes.ts'
import type { SqliteExports } from './sqlite-exports.ts'
import type { TrampolineExports, TrampolineHost } from './trampoline/trampoline.ts'
import { Turns } from './turns.ts'
import { createMemory, wasmImports } from './wasm-imports.ts'

/** The compiled modules of an engine. They can be shared by any number of instances. */
export interface EngineModules {
  /**
   * SQLite as a bridge needs it: the stock `@sqlite.org/sqlite-wasm/sqlite3.wasm`, or the same instrumented by Asyncify.
   * Loaded when it is first asked for, then the same each time.
   * @throws VfsError VFS_ENGINE
   */
  sqlite(bridge: 'jspi' | 'asyncify'): Promise<WebAssembly.Module>
  /** From `compileTrampoline()`, or `trampolineBytes()` compiled elsewhere. */
  readonly trampoline: WebAssembly.Module
}

export interface EngineOptions {
  /** Default: what the runtime has. */
  readonly bridge?: BridgeKind
}

/** What SQL calls outside of itself. Both run inside of SQLite: they must not throw. */
export interface EngineHooks {
  /** @param args address of the `char *[4]` of SQLITE_FCNTL_PRAGMA. @returns a result code */
  pragma(args: number): number
  scalar(context: number, count: number, values: number): void
}

/** The calls that read pages. Everything else on `Engine.sqlite` may be called directly. */
type ReadingCall = 'sqlite3_open_v2' | 'sqlite3_prepare_v3' | 'sqlite3_step'

/** The name of the only file there is. */
export const DATABASE_NAME = 'replica.db'

/**
 * One instance of SQLite, with one file: about 1.6 MB. It runs one call at a time, to the end (bridges.md 2.4: JSPI does
 * not switch the shadow stack, two interleaved calls corrupt memory); entering it twice is refused.
 */
export class Engine {
  readonly bridge: BridgeKind
  readonly sqlite: SqliteExports
  readonly heap: Heap
  readonly file: DatabaseFile
  /** Pauses between pieces of work. */
  readonly turns: Turns
  /** What sqlite3_progress_handler takes. */
  readonly progressPointer: number
  /** What sqlite3_create_function_v2 takes for every scalar function. */
  readonly scalarPointer: number
  readonly #canSuspend: WebAssembly.Global
  readonly #calls: Record<ReadingCall | 'each', (...args: number[]) => number | Promise<number>>
  #hooks: EngineHooks | undefined
  #onRow: ((statement: number) => boolean) | undefined
  #running = false
  #open = false

  private constructor(
    bridge: BridgeKind,
    parts: { sqlite: SqliteExports; heap: Heap; file: DatabaseFile; trampoline: TrampolineExports; turns: Turns },
  ) {
    const { sqlite, trampoline } = parts
    this.bridge = bridge
    this.sqlite = sqlite
    this.heap = parts.heap
    this.file = parts.file
    this.#canSuspend = trampoline.canSuspend
    this.turns = parts.turns
    this.progressPointer = functionPointer(sqlite, trampoline.xProgress)
    this.scalarPointer = functionPointer(sqlite, trampoline.xFunc)
    const wrap = bridge === 'jspi' ? promising : <F>(f: F): F => f
    this.#calls = {
      sqlite3_open_v2: wrap(sqlite.sqlite3_open_v2 as (...args: number[]) => number),
      sqlite3_prepare_v3: wrap(sqlite.sqlite3_prepare_v3 as (...args: number[]) => number),
      sqlite3_step: wrap(sqlite.sqlite3_step as (...args: number[]) => number),
      each: wrap(trampoline.each as (...args: number[]) => number),
    }
  }

  /**
   * Instantiate SQLite without its own JavaScript.
   * @throws VfsError VFS_ENGINE
   */
  static async start(modules: EngineModules, options: EngineOptions = {}): Promise<Engine> {
    const bridge = options.bridge ?? detectBridge()
    const memory = createMemory()
    const heap = new Heap(memory)
    const file = new DatabaseFile(heap)
    const now = (): number => file.now()
    const turns = new Turns()
    // Fault and retry suspends nothing. A second build would be compiled while a query waits for what runs ahead of it.
    const module = await modules.sqlite('jspi')
    const imports = wasmImports(module, memory, heap, now)
    const sqlite = (await WebAssembly.instantiate(module, imports)).exports as unknown as SqliteExports
    sqlite.__wasm_call_ctors()
    let engine: Engine | undefined
    const host: TrampolineHost = {
      open: (name) => (engine ? engine.#openFile(name) : SQLITE.CANTOPEN),
      close: () => {
        if (engine) engine.#open = false
      },
      size: () => file.size(),
      readNow: (target, length, offset) => file.readNow(target, length, offset),
      readLater:
        bridge === 'jspi'
          ? suspending((target, length, offset) => file.readLater(target!, length!, offset!))
          : () => file.noteMiss(),
      turnDue: () => (turns.look() ? 1 : 0),
      takeTurn:
        bridge === 'jspi'
          ? suspending(async () => {
              await turns.take()
              return file.stopped()
            })
          : () => file.stopped(),
      pragma: (args) => (engine === undefined ? undefined : engine.#hooks)?.pragma(args) ?? SQLITE.NOTFOUND,
      random: (target, length) => void globalThis.crypto.getRandomValues(heap.bytes.subarray(target, target + length)),
      now,
      row: (statement) => ((engine === undefined ? undefined : engine.#onRow)?.(statement) === false ? 0 : 1),
      scalar: (context, count, values) =>
        (engine === undefined ? undefined : engine.#hooks)?.scalar(context, count, values),
    }
    const env = {
      ...host,
      memory,
      step: sqlite.sqlite3_step,
      stackSave: sqlite.emscripten_stack_get_current,
      stackRestore: sqlite._emscripten_stack_restore,
    } as unknown as WebAssembly.ModuleImports
    const trampoline = (await WebAssembly.instantiate(modules.trampoline, { env }))
      .exports as unknown as TrampolineExports
    const result = sqlite.sqlite3_initialize() || registerVfs(sqlite, heap, trampoline)
    if (result !== SQLITE.OK) {
      throw new VfsError('VFS_ENGINE', `Cannot start SQLite: ${sqliteCodeName(result)}`, { at: { sqliteCode: result } })
    }
    engine = new Engine(bridge, { sqlite, heap, file, trampoline, turns })
    return engine
  }

  /** Who answers pragmas and functions from now on. */
  set hooks(hooks: EngineHooks) {
    this.#hooks = hooks
  }

  /**
   * Call SQLite where it may read pages: those of the source that `file` was begun with. What was missed or failed is in
   * `file` afterwards: look there first, whatever the result says (bridges.md 4, rule 1).
   *
   * @returns a result code
   * @throws VfsError VFS_ENGINE_BUSY
   */
  call(call: ReadingCall, ...args: number[]): Promise<number> {
    return this.#enter(call, args)
  }

  /**
   * Step a statement through its rows.
   *
   * @param onRow takes the row that the statement stands on; true to stop there. It must not throw
   * @returns SQLITE_ROW when it was stopped, otherwise the last step's result code
   * @throws VfsError VFS_ENGINE_BUSY
   */
  async each(statement: number, onRow: (statement: number) => boolean): Promise<number> {
    if (this.#running) throw busy()
    this.#onRow = onRow
    try {
      return await this.#enter('each', [statement])
    } finally {
      this.#onRow = undefined
    }
  }

  async #enter(call: ReadingCall | 'each', args: number[]): Promise<number> {
    if (this.#running) throw busy()
    this.#running = true
    this.#canSuspend.value = 1
    try {
      return await this.#calls[call](...args)
    } finally {
      this.#canSuspend.value = 0
      this.#running = false
    }
  }

  /** One file, once: ATTACH finds nothing else. */
  #openFile(name: number): number {
    if (this.#open || this.heap.cString(name) !== DATABASE_NAME) return SQLITE.CANTOPEN
    this.#open = true
    return SQLITE.OK
  }
}

function busy(): VfsError {
  return new VfsError('VFS_ENGINE_BUSY', 'Cannot enter a SQLite instance that is already running a call')
}
