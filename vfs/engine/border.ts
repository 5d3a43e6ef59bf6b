/** Only `Border` makes values of this type, so the compiler refuses every other function as an import. */
declare const GUARDED: unique symbol

/** A function that a wasm module may import: it neither throws nor rejects. */
export interface GuardedImport {
  readonly [GUARDED]: true
}

/** What a wasm module may be given: guarded functions, functions of other wasm modules, and its memory. */
export type GuardedImports = Readonly<Record<string, Readonly<Record<string, GuardedImport | WebAssembly.Memory>>>>

/**
 * The border between JavaScript and SQLite's C code. An exception must not cross it: it would unwind C frames without
 * running what they have to do, and SQLite would go on with half-finished structures. So everything that C calls is
 * guarded here: a failure is recorded, C gets a result that says so in its own terms, and the call that led into C throws
 * the failure afterwards.
 */
export class Border {
  #failure: { readonly error: unknown } | undefined

  /** What went wrong first since `begin`, if anything did. With it the call that is under way is void. */
  get failure(): { readonly error: unknown } | undefined {
    return this.#failure
  }

  /** Before a call into SQLite. */
  begin(): void {
    this.#failure = undefined
  }

  /** The call that is under way is void. The first failure counts: later ones follow from it. */
  fail(error: unknown): void {
    this.#failure ??= { error }
  }

  /**
   * A function as an import.
   * @param onFailure what C is told when it throws
   */
  guard<A extends readonly (number | bigint)[] & { readonly length: 0 | 1 | 2 | 3 }, R extends number | undefined>(
    call: (...args: A) => R,
    onFailure: R,
  ): GuardedImport {
    // No import has more than three arguments; collecting them in an array would cost as much as a short call.
    const plain = call as unknown as (a: unknown, b: unknown, c: unknown) => R
    const guarded = (a: unknown, b: unknown, c: unknown): R => {
      try {
        return plain(a, b, c)
      } catch (error) {
        this.fail(error)
        return onFailure
      }
    }
    return guarded as unknown as GuardedImport
  }

  /** The same for a function that takes a while: the promise never rejects. For a bridge, which makes an import of it. */
  guardAsync(call: (...args: number[]) => Promise<number>, onFailure: number): AsyncCall {
    return async (...args) => {
      try {
        return await call(...args)
      } catch (error) {
        this.fail(error)
        return onFailure
      }
    }
  }
}

/** A function whose promise never rejects. */
export type AsyncCall = (...args: number[]) => Promise<number>

/** A function that a wasm module exports: what it may import itself is guarded, so it needs no guard of its own. */
export function wasmFunction(f: unknown): GuardedImport {
  return f as GuardedImport
}

/** Start a module. The only place that hands imports to one. */
export async function instantiate<E>(module: WebAssembly.Module, imports: GuardedImports): Promise<E> {
  const instance = await WebAssembly.instantiate(module, imports as unknown as WebAssembly.Imports)
  return instance.exports as unknown as E
}
