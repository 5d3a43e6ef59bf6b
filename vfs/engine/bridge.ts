/**
 * How SQLite's synchronous reads wait for pages (bridges.md 1): `jspi` suspends the wasm stack; `fault` ends the call with
 * SQLITE_INTERRUPT, fetches what it missed and runs it again.
 */
export type BridgeKind = 'jspi' | 'fault'

type WasmFunction = (...args: number[]) => number

/** JavaScript Promise Integration, which TypeScript's library does not know yet. */
interface PromiseIntegration {
  readonly Suspending: new (f: (...args: number[]) => Promise<number>) => object
  readonly promising: (f: WasmFunction) => (...args: number[]) => Promise<number>
}

/** The bridge that this runtime has. Exact in every runtime measured; the legacy JSPI API is not asked for. */
export function detectBridge(): BridgeKind {
  return integration() ? 'jspi' : 'fault'
}

function integration(): PromiseIntegration | undefined {
  const wasm = WebAssembly as unknown as Partial<PromiseIntegration>
  return typeof wasm.Suspending === 'function' && typeof wasm.promising === 'function'
    ? (wasm as PromiseIntegration)
    : undefined
}

/**
 * A function as a wasm import that suspends its caller until the promise settles.
 * @param f must never reject: a rejection would unwind C frames (bridges.md 9)
 */
export function suspending(f: (...args: number[]) => Promise<number>): object {
  return new (required().Suspending)(f)
}

/** A wasm export as a function in which those imports may suspend. */
export function promising(f: WasmFunction): (...args: number[]) => Promise<number> {
  return required().promising(f)
}

function required(): PromiseIntegration {
  const found = integration()
  if (!found) throw new TypeError("This runtime has no JSPI: leave the option `bridge` out, or set it to 'fault'")
  return found
}
