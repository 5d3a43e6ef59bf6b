import { type AsyncCall, type GuardedImport, wasmFunction } from './border.ts'
import type { Bridge } from './bridge.ts'
import { VfsError } from './errors.ts'
import type { Heap } from './heap.ts'
import { SQLITE } from './sqlite-codes.ts'
import type { SqliteExports } from './sqlite-exports.ts'

/** What Asyncify adds to a binary. States: 0 runs normally, 1 unwinds, 2 rewinds. */
interface AsyncifyExports {
  asyncify_start_unwind(data: number): void
  asyncify_stop_unwind(): void
  asyncify_start_rewind(data: number): void
  asyncify_stop_rewind(): void
  asyncify_get_state(): number
}

const UNWINDING = 1
const REWINDING = 2

/** Room for the frames of a suspended call, unless the caller says otherwise. */
export const ASYNCIFY_STACK_BYTES = 256 * 1024
/** In front of the frames: where the next one goes, and where they end. */
const HEAD_BYTES = 8

/**
 * Suspends a binary that was instrumented by Asyncify (tools/build-asyncify.ts). An import that has to wait starts the
 * unwinding and returns: every frame saves its locals and returns too. When the promise is there, the same export is
 * called again, every frame jumps to where it was, and the import is called once more: now it gives its result.
 *
 * SQLite's shadow stack pointer stays where it was meanwhile, so nothing else may run on the instance (bridges 2.4).
 */
export class AsyncifyBridge implements Bridge {
  readonly #heap: Heap
  readonly #asyncify: AsyncifyExports
  readonly #data: number
  readonly #stackBytes: number
  /** What the unwound call waits for. */
  #waiting: Promise<number> | undefined
  #outcome = 0
  /** An export is running that was entered through `entering`: only that can be unwound. */
  #inside = false

  /**
   * @param sqlite an instance of the instrumented binary
   * @param stackBytes room for the frames of a suspended call. A call that needs more ends in a trap, and the instance with it
   * @throws VfsError VFS_ENGINE for any other binary, or without memory
   */
  constructor(sqlite: SqliteExports, heap: Heap, stackBytes: number) {
    this.#heap = heap
    this.#stackBytes = stackBytes
    this.#asyncify = sqlite as unknown as AsyncifyExports
    if (typeof this.#asyncify.asyncify_get_state !== 'function') {
      throw new VfsError('VFS_ENGINE', "Cannot use the bridge 'asyncify': this is not sqlite3-asyncify.wasm")
    }
    this.#data = sqlite.malloc(HEAD_BYTES + stackBytes)
    if (this.#data === 0) throw new VfsError('VFS_ENGINE', 'Cannot start SQLite: there is no memory for its stack')
  }

  get rewinding(): boolean {
    return this.#asyncify.asyncify_get_state() === REWINDING
  }

  suspending(call: AsyncCall): GuardedImport {
    const asyncify = this.#asyncify
    return wasmFunction((...args: number[]): number => {
      if (asyncify.asyncify_get_state() === REWINDING) {
        asyncify.asyncify_stop_rewind()
        return this.#outcome
      }
      if (!this.#inside) return SQLITE.INTERRUPT
      this.#waiting = call(...args)
      this.#resetStack()
      asyncify.asyncify_start_unwind(this.#data)
      return 0 // nobody sees it
    })
  }

  entering(f: (...args: number[]) => number): (...args: number[]) => number | Promise<number> {
    const asyncify = this.#asyncify
    return (...args) => {
      const result = this.#run(f, args)
      return asyncify.asyncify_get_state() === UNWINDING ? this.#resume(f, args) : result
    }
  }

  async #resume(f: (...args: number[]) => number, args: number[]): Promise<number> {
    const asyncify = this.#asyncify
    for (;;) {
      this.#checkStack()
      asyncify.asyncify_stop_unwind()
      this.#outcome = await this.#waiting!
      asyncify.asyncify_start_rewind(this.#data)
      const result = this.#run(f, args)
      if (asyncify.asyncify_get_state() !== UNWINDING) return result
    }
  }

  #run(f: (...args: number[]) => number, args: number[]): number {
    this.#inside = true
    try {
      return f(...args)
    } finally {
      this.#inside = false
    }
  }

  /**
   * Asyncify looks at the end only now, when all frames are written. What lies behind it is lost, and with it the instance:
   * nothing of it runs again.
   */
  #checkStack(): void {
    if (this.#heap.u32(this.#data) > this.#data + HEAD_BYTES + this.#stackBytes) {
      throw new RangeError(`The frames of a suspended call need more than ${this.#stackBytes} bytes`)
    }
  }

  #resetStack(): void {
    const { view } = this.#heap
    view.setUint32(this.#data, this.#data + HEAD_BYTES, true)
    view.setUint32(this.#data + 4, this.#data + HEAD_BYTES + this.#stackBytes, true)
  }
}
