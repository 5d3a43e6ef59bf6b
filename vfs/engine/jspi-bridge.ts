import type { AsyncCall, GuardedImport } from './border.ts'
import type { Bridge } from './bridge.ts'
import { VfsError } from './errors.ts'

type WasmFunction = (...args: number[]) => number

/** JavaScript Promise Integration, which TypeScript's library does not know yet. */
interface PromiseIntegration {
  readonly Suspending: new (f: AsyncCall) => object
  readonly promising: (f: WasmFunction) => (...args: number[]) => Promise<number>
}

/** Suspends by the runtime's own means. */
export class JspiBridge implements Bridge {
  readonly rewinding = false
  readonly #integration: PromiseIntegration

  /** @throws VfsError VFS_ENGINE where the runtime has none */
  constructor() {
    const found = integration()
    if (!found) {
      throw new VfsError(
        'VFS_ENGINE',
        "This runtime has no JSPI: leave the option `bridge` out, or set it to 'asyncify'",
      )
    }
    this.#integration = found
  }

  suspending(call: AsyncCall): GuardedImport {
    return new this.#integration.Suspending(call) as GuardedImport
  }

  entering(f: WasmFunction): (...args: number[]) => Promise<number> {
    return this.#integration.promising(f)
  }
}

export function hasJspi(): boolean {
  return integration() !== undefined
}

function integration(): PromiseIntegration | undefined {
  const wasm = WebAssembly as unknown as Partial<PromiseIntegration>
  return typeof wasm.Suspending === 'function' && typeof wasm.promising === 'function'
    ? (wasm as PromiseIntegration)
    : undefined
}
