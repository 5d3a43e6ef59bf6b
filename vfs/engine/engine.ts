import type { TrampolineExports } from '../trampoline/trampoline.ts'
import { Border, type GuardedImports, instantiate, wasmFunction } from './border.ts'
import { type Bridge, type BridgeKind, createBridge, detectBridge } from './bridge.ts'
import { DatabaseFile, MISS } from './database-file.ts'
import { VfsError } from './errors.ts'
import { Heap } from './heap.ts'
import { functionPointer, registerVfs } from './register-vfs.ts'
import { Scratch } from './scratch.ts'
import { SQLITE, sqliteCodeName } from './sqlite-codes.ts'
import type { SqliteExports } from './sqlite-exports.ts'
import { createMemory, wasmImports } from './wasm-imports.ts'
import { Yielding } from './yielding.ts'

/** The compiled modules of an engine. They can be shared by any number of instances. */
export interface EngineModules {
  /**
   * SQLite as a bridge needs it: the stock `@sqlite.org/sqlite-wasm/sqlite3.wasm`, or the same instrumented by Asyncify.
   * Loaded when it is first asked for, then the same each time.
   * @throws VfsError VFS_ENGINE
   */
  sqlite(bridge: BridgeKind): Promise<WebAssembly.Module>
  /** From `compileTrampoline()`, or `trampolineBytes()` compiled elsewhere. */
  readonly trampoline: WebAssembly.Module
}

export interface EngineOptions {
  /** Default: what the runtime has. */
  readonly bridge?: BridgeKind
  /** False: a call ends at the first page that is not at hand, with SQLITE_INTERRUPT. Default true. */
  readonly waits?: boolean
  /** Bridge `asyncify`: bytes for the frames of a call that waits. Default 256 KiB, many times what SQLite was seen to need. */
  readonly stackBytes?: number
}

/** What SQLite calls while a statement is compiled or runs. Failures are the border's business. */
export interface EngineHooks {
  /** @param args address of the `char *[4]` of SQLITE_FCNTL_PRAGMA. @returns a result code */
  pragma(args: number): number
  /** A scalar function. @param values address of `count` pointers to values */
  scalar(context: number, count: number, values: number): void
  /** @param first and second addresses of texts, or 0. @returns SQLITE_OK or SQLITE_DENY */
  authorize(action: number, first: number, second: number): number
}

/** The calls that read pages. Everything else on `Engine.sqlite` may be called directly. */
type ReadingCall = 'sqlite3_open_v2' | 'sqlite3_prepare_v3' | 'sqlite3_step'

/** What SQLite's functions take as pointers to functions of ours. */
export interface CallbackPointers {
  /** sqlite3_progress_handler. */
  readonly progress: number
  /** sqlite3_create_function_v2, for every scalar function. */
  readonly scalar: number
  /** sqlite3_set_authorizer. */
  readonly authorizer: number
}

interface Parts {
  readonly sqlite: SqliteExports
  readonly heap: Heap
  readonly scratch: Scratch
  readonly file: DatabaseFile
  readonly border: Border
  readonly yielding: Yielding
  readonly bridge: Bridge
  readonly callbacks: Callbacks
}

/** Whose code SQLite calls: set by the connection, and by `each` for as long as it runs. */
interface Callbacks {
  hooks?: EngineHooks
  onRow?: (statement: number) => boolean
  /** While a call is only tried: how often SQLite has said that it has computed for a while. */
  attempt?: { looks: number } | undefined
}

/** Why a call that was only tried has not ended: a page is not at hand, or it computes. */
export type Unfinished = 'misses' | 'computes'

const SQLITE_DENY = 1
/** SQLite counts a statement's steps from one run to the next, so that any run may have one. */
const MOST_LOOKS = 1

/**
 * One instance of SQLite, with one file: about 1.6 MB. It runs one call at a time, to the end (bridges 2.4: the shadow
 * stack is not switched, two interleaved calls corrupt memory); entering it twice is refused.
 *
 * States: idle -> running -> idle, or broken for good: a trap has ended a call in the middle of SQLite's C code.
 */
export class Engine {
  readonly sqlite: SqliteExports
  readonly heap: Heap
  readonly scratch: Scratch
  readonly file: DatabaseFile
  readonly border: Border
  readonly yielding: Yielding
  readonly pointers: CallbackPointers
  readonly #callbacks: Callbacks
  readonly #canSuspend: WebAssembly.Global
  readonly #calls: Record<ReadingCall | 'each' | 'try', (...args: number[]) => number | Promise<number>>
  #state: 'idle' | 'running' | 'broken' = 'idle'

  private constructor(parts: Parts, trampoline: TrampolineExports, waits: boolean) {
    const { sqlite, bridge } = parts
    this.sqlite = sqlite
    this.heap = parts.heap
    this.scratch = parts.scratch
    this.file = parts.file
    this.border = parts.border
    this.yielding = parts.yielding
    this.#callbacks = parts.callbacks
    this.#canSuspend = waits ? trampoline.canSuspend : new WebAssembly.Global({ value: 'i32', mutable: true }, 0)
    this.pointers = {
      progress: functionPointer(sqlite, trampoline.xProgress),
      scalar: functionPointer(sqlite, trampoline.xFunc),
      authorizer: functionPointer(sqlite, trampoline.xAuth),
    }
    this.#calls = {
      sqlite3_open_v2: bridge.entering(sqlite.sqlite3_open_v2 as (...args: number[]) => number),
      sqlite3_prepare_v3: bridge.entering(sqlite.sqlite3_prepare_v3 as (...args: number[]) => number),
      sqlite3_step: bridge.entering(sqlite.sqlite3_step as (...args: number[]) => number),
      each: bridge.entering(trampoline.each as (...args: number[]) => number),
      try: trampoline.each as (...args: number[]) => number,
    }
  }

  /**
   * Instantiate SQLite without its own JavaScript.
   * @throws VfsError VFS_ENGINE
   */
  static async start(modules: EngineModules, options: EngineOptions = {}): Promise<Engine> {
    const { bridge: kind = detectBridge(), waits = true, stackBytes } = options
    const memory = createMemory()
    const heap = new Heap(memory)
    const border = new Border()
    const file = new DatabaseFile(heap)
    const now = (): number => file.now()
    const sqliteModule = await modules.sqlite(kind)
    const sqlite = await instantiate<SqliteExports>(
      sqliteModule,
      wasmImports(sqliteModule, { memory, heap, border, now }),
    )
    sqlite.__wasm_call_ctors()
    const parts: Parts = {
      sqlite,
      heap,
      border,
      file,
      scratch: new Scratch(sqlite, heap),
      yielding: new Yielding(),
      bridge: createBridge(waits ? kind : 'none', { sqlite, heap, stackBytes }),
      callbacks: {},
    }
    const trampoline = await instantiate<TrampolineExports>(modules.trampoline, trampolineImports(parts, memory))
    const result = sqlite.sqlite3_initialize() || registerVfs(sqlite, parts, trampoline)
    if (result !== SQLITE.OK) {
      throw new VfsError('VFS_ENGINE', `Cannot start SQLite: ${sqliteCodeName(result)}`, { at: { sqliteCode: result } })
    }
    return new Engine(parts, trampoline, waits)
  }

  /** True when the instance must not be called again: a call has ended in the middle of SQLite's code. */
  get broken(): boolean {
    return this.#state === 'broken'
  }

  /** Never call it again: it is not what a fresh one would be. */
  retire(): void {
    this.#state = 'broken'
  }

  /** Who answers pragmas and functions from now on. */
  set hooks(hooks: EngineHooks) {
    this.#callbacks.hooks = hooks
  }

  /**
   * Call SQLite where it may read pages: those of the source that `file` was begun with. Look at `border.failure` first,
   * whatever the result says: with a failure the call is void.
   *
   * @returns a result code; itself, not a promise, where nothing had to wait and the bridge can tell
   * @throws VfsError VFS_ENGINE_BUSY, VFS_ENGINE, VFS_NO_MEMORY
   */
  call(call: ReadingCall, ...args: number[]): number | Promise<number> {
    return this.#enter(call, args)
  }

  /**
   * Step a statement through its rows.
   *
   * @param onRow takes the row that the statement stands on; true to stop there
   * @returns SQLITE_ROW when it was stopped, otherwise the last step's result code
   * @throws as `call`
   */
  each(statement: number, onRow: (statement: number) => boolean): number | Promise<number> {
    if (this.#state === 'idle') this.#callbacks.onRow = onRow
    return this.#enter('each', [statement])
  }

  /**
   * Step a statement that changes nothing through its rows, as long as nothing is waited for. A call that cannot suspend
   * costs less than one that does not.
   *
   * @returns as `each`; or why it was given up: then reset the statement, and call `each`
   * @throws as `call`
   */
  tryEach(statement: number, onRow: (statement: number) => boolean): number | Unfinished {
    const attempt = { looks: 0 }
    if (this.#state === 'idle') Object.assign(this.#callbacks, { onRow, attempt })
    try {
      const result = this.#enter('try', [statement]) as number
      if (result !== SQLITE.INTERRUPT || this.border.failure) return result
      return attempt.looks > MOST_LOOKS ? 'computes' : 'misses'
    } finally {
      this.#callbacks.attempt = undefined
    }
  }

  #enter(call: ReadingCall | 'each' | 'try', args: number[]): number | Promise<number> {
    if (this.#state !== 'idle') throw this.#state === 'running' ? busy() : unusable()
    this.#state = 'running'
    if (call !== 'try') this.#canSuspend.value = 1
    this.border.begin()
    try {
      const result = this.#calls[call](...args)
      if (typeof result !== 'number') return this.#leaveLater(result)
      this.#leave()
      return result
    } catch (trap) {
      throw this.#broke(trap)
    }
  }

  async #leaveLater(result: Promise<number>): Promise<number> {
    let code: number
    try {
      code = await result
    } catch (trap) {
      throw this.#broke(trap)
    }
    this.#leave()
    return code
  }

  #leave(): void {
    this.#canSuspend.value = 0
    this.#state = 'idle'
  }

  /** A trap, or an exception out of wasm code: what SQLite was doing stays half done, so nothing may call it again. */
  #broke(trap: unknown): VfsError {
    this.#state = 'broken'
    if (trap instanceof RangeError) {
      const tooDeep = 'Cannot run the query: its calls are nested too deeply. Write it with fewer levels'
      return new VfsError('VFS_NO_MEMORY', tooDeep, { cause: trap })
    }
    const message = trap instanceof Error ? trap.message : String(trap)
    return new VfsError(
      'VFS_ENGINE',
      `SQLite has stopped: ${message}. Run the query again: another instance takes over`,
      {
        cause: trap,
      },
    )
  }
}

function trampolineImports(
  { sqlite, heap, file, border, yielding, bridge, callbacks }: Parts,
  memory: WebAssembly.Memory,
) {
  const stopped = (): number => {
    if (callbacks.attempt) return ++callbacks.attempt.looks > MOST_LOOKS ? 1 : 0
    file.throwIfStopped()
    return 0
  }
  const yieldNow = async (): Promise<number> => {
    await yielding.yield()
    return stopped()
  }
  const env = {
    memory,
    open: border.guard((name: number) => file.open(name), SQLITE.CANTOPEN),
    close: border.guard((): undefined => {
      file.close()
    }, undefined),
    size: border.guard(() => file.size(), 0),
    readNow: border.guard((target: number, length: number, offset: number): number => {
      if (bridge.rewinding) return MISS // first: `readLater` has to be called again, whatever it has met
      return border.failure ? SQLITE.INTERRUPT : file.readNow(target, length, offset)
    }, SQLITE.INTERRUPT),
    readLater: bridge.suspending(
      border.guardAsync((target, length, offset) => file.readLater(target!, length!, offset!), SQLITE.INTERRUPT),
    ),
    yieldDue: border.guard(() => (bridge.rewinding || callbacks.attempt || yielding.isDue() ? 1 : 0), 0),
    yieldNow: bridge.suspending(border.guardAsync(yieldNow, 1)),
    stopped: border.guard(stopped, 1),
    pragma: border.guard((args: number) => callbacks.hooks?.pragma(args) ?? SQLITE.NOTFOUND, SQLITE.ERROR),
    authorize: border.guard(
      (action: number, first: number, second: number): number => callbacks.hooks?.authorize(action, first, second) ?? 0,
      SQLITE_DENY,
    ),
    random: border.guard((target: number, length: number): undefined => {
      globalThis.crypto.getRandomValues(heap.bytes.subarray(target, target + length))
    }, undefined),
    now: border.guard(() => file.now(), 0),
    row: border.guard((statement: number) => (callbacks.onRow?.(statement) === false ? 0 : 1), 1),
    scalar: border.guard((context: number, count: number, values: number): undefined => {
      callbacks.hooks?.scalar(context, count, values)
    }, undefined),
    step: wasmFunction(sqlite.sqlite3_step),
    stackSave: wasmFunction(sqlite.emscripten_stack_get_current),
    stackRestore: wasmFunction(sqlite._emscripten_stack_restore),
  }
  return { env } satisfies GuardedImports
}

function busy(): VfsError {
  return new VfsError('VFS_ENGINE_BUSY', 'Cannot enter a SQLite instance that is already running a call')
}

function unusable(): VfsError {
  return new VfsError('VFS_ENGINE', 'Cannot use this SQLite instance: a call to it has ended in the middle')
}
