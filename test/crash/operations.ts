import fs from 'node:fs'
import fsPromises from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { DatabaseSync, StatementSync } from 'node:sqlite'

type Anything = Record<string, unknown>

/** Calls that change something outside the process, or wait for it to be durable. */
const SYNC_CALLS = [
  'openSync',
  'closeSync',
  'writeSync',
  'fsyncSync',
  'renameSync',
  'linkSync',
  'unlinkSync',
  'rmSync',
  'mkdirSync',
]
const ASYNC_CALLS = ['open', 'rename', 'link', 'unlink', 'rm', 'mkdir', 'writeFile', 'utimes', 'chmod', 'readdir']
const HANDLE_CALLS = ['write', 'writev', 'writeFile', 'sync', 'datasync', 'truncate', 'chmod', 'utimes', 'close']

/**
 * From now on, call `before` in front of every operation on files and on SQLite databases, with a running number.
 * Patches Node's own modules, so that it sees every operation, whoever makes it; load it first.
 */
export async function watchOperations(before: (count: number, name: string) => void): Promise<void> {
  let count = 0
  const patch = (target: Anything, name: string, label: string) => {
    const original = target[name]
    if (typeof original !== 'function') return
    target[name] = function (this: unknown, ...args: unknown[]) {
      before(++count, label)
      return original.apply(this, args)
    }
  }
  const probe = await fsPromises.open(import.meta.filename)
  const handle = Object.getPrototypeOf(probe) as Anything
  await probe.close()
  for (const name of SYNC_CALLS) patch(fs as unknown as Anything, name, name)
  for (const name of ASYNC_CALLS) patch(fsPromises as unknown as Anything, name, name)
  for (const name of HANDLE_CALLS) patch(handle, name, `handle.${name}`)
  patch(DatabaseSync.prototype as unknown as Anything, 'exec', 'sqlite.exec')
  patch(DatabaseSync.prototype as unknown as Anything, 'close', 'sqlite.close')
  patch(StatementSync.prototype as unknown as Anything, 'get', 'sqlite.get')
  patch(StatementSync.prototype as unknown as Anything, 'run', 'sqlite.run')
  syncBuiltinESMExports()
}
