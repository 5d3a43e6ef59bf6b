import { ASYNCIFY_STACK_BYTES, AsyncifyBridge } from './asyncify-bridge.ts'
import type { AsyncCall, GuardedImport } from './border.ts'
import type { Heap } from './heap.ts'
import { hasJspi, JspiBridge } from './jspi-bridge.ts'
import { NoBridge } from './no-bridge.ts'
import type { SqliteExports } from './sqlite-exports.ts'

/**
 * How SQLite's synchronous reads wait for pages (bridges 1): `jspi` has the runtime suspend the wasm stack; `asyncify` is
 * the same binary, instrumented so that its stack can be unwound and rewound, for runtimes that cannot.
 */
export type BridgeKind = 'jspi' | 'asyncify'

type WasmFunction = (...args: number[]) => number

/** What suspends one instance of SQLite. One call is under way at a time. */
export interface Bridge {
  /** An import that suspends its caller until the promise is there. */
  suspending(call: AsyncCall): GuardedImport
  /**
   * An export as a function in which those imports may suspend.
   * @returns the result itself where nothing had to wait and the bridge can tell
   */
  entering(f: WasmFunction): (...args: number[]) => number | Promise<number>
  /** True while a stack is being rewound: the import that had suspended is called again, and must find nothing changed. */
  readonly rewinding: boolean
}

/** The bridge for this runtime. Exact in every runtime measured; the legacy JSPI API is not asked for. */
export function detectBridge(): BridgeKind {
  return hasJspi() ? 'jspi' : 'asyncify'
}

/** What a bridge is made of. */
export interface BridgeParts {
  /** The instance that is suspended. */
  readonly sqlite: SqliteExports
  /** Its memory. */
  readonly heap: Heap
  /** Bytes for the frames of a suspended call, where the bridge keeps them: `asyncify`. */
  readonly stackBytes?: number | undefined
}

/** @param kind 'none': nothing suspends. @throws VfsError VFS_ENGINE where it cannot be had */
export function createBridge(kind: BridgeKind | 'none', { sqlite, heap, stackBytes }: BridgeParts): Bridge {
  if (kind === 'none') return new NoBridge()
  return kind === 'jspi' ? new JspiBridge() : new AsyncifyBridge(sqlite, heap, stackBytes ?? ASYNCIFY_STACK_BYTES)
}
