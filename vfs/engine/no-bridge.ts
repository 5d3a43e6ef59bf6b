import { type GuardedImport, wasmFunction } from './border.ts'
import type { Bridge } from './bridge.ts'

/** For calls that wait for nothing: the trampoline never calls an import that suspends, since `canSuspend` stays 0. */
export class NoBridge implements Bridge {
  readonly rewinding = false

  suspending(): GuardedImport {
    return wasmFunction(() => 0)
  }

  entering(f: (...args: number[]) => number): (...args: number[]) => number {
    return f
  }
}
