import { AsyncLocalStorage } from 'node:async_hooks'
import type { PoolContext } from '../vfs/index.ts'

/** Which transaction code runs in, through whatever it awaits: Node's own account of it, which Deno and Bun have, too. */
export function callContext(): PoolContext {
  const storage: AsyncLocalStorage<Parameters<PoolContext['run']>[0]> = new AsyncLocalStorage()
  return {
    run: (loan, work) => storage.run(loan, work),
    current: () => storage.getStore(),
  }
}
