import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { memoryReplica } from '../../storage/index.ts'
import { follow, Replicator, resetLocalState, restore } from '../../writer/index.ts'
import { tempDir } from '../support/temp-dir.ts'

/** What untyped code passes: it compiles as anything. */
type Loose = (...args: unknown[]) => unknown

const client = memoryReplica()
const client_ = /client must be a replica's client/
const hint = /openReplica\(url\) makes one of a URL/

const CALLS: Readonly<Record<string, Loose>> = {
  Replicator: (...args) => new (Replicator as unknown as new (...args: unknown[]) => unknown)(...args),
  restore: restore as Loose,
  follow: follow as Loose,
  resetLocalState: resetLocalState as Loose,
}

const REFUSED: Readonly<Record<string, readonly [args: (path: string) => unknown[], says: RegExp][]>> = {
  Replicator: [
    [() => [], /options must be an object, but is undefined/],
    [() => [null], /options must be an object, but is null/],
    [() => [{}], /dbPath must be text that is not empty, but is undefined/],
    [(dbPath) => [{ dbPath }], client_],
    [(dbPath) => [{ dbPath, client: `file://${dbPath}` }], hint],
    [(dbPath) => [{ dbPath, client: new URL('file:///x') }], hint],
    [() => [{ dbPath: 5, client }], /dbPath must be text that is not empty, but is 5/],
    [(dbPath) => [{ dbPath, client, setting: {} }], /has no "setting": did you mean settings\?/],
    [(dbPath) => [{ dbPath, client, settings: 5 }], /settings must be an object, but is 5/],
    [
      (dbPath) => [{ dbPath, client, settings: { syncInterval: 5 } }],
      /has no "syncInterval": did you mean syncIntervalMs\?/,
    ],
    [
      (dbPath) => [{ dbPath, client, settings: { syncIntervalMs: Number.NaN } }],
      /settings.syncIntervalMs must be a number/,
    ],
    [(dbPath) => [{ dbPath, client, settings: { autoRecover: 'yes' } }], /settings.autoRecover must be true or false/],
    [(dbPath) => [{ dbPath, client, form: 'blocks' }], /form must be 'block' or 'legacy', but is "blocks"/],
    [(dbPath) => [{ dbPath, client, log: console.log }], /log must have debug/],
    [(dbPath) => [{ dbPath, client, onDurable: true }], /onDurable must be a function, but is true/],
  ],
  restore: [
    [() => [], client_],
    [(path) => [`file://${path}`, path], hint],
    [() => [client], /output must be text that is not empty, but is undefined/],
    [() => [client, ''], /output must be text that is not empty, but is empty/],
    [(path) => [client, path, null], /options must be an object, but is null/],
    [(path) => [client, path, { txid: 5 }], /txid must be a bigint/],
    [(path) => [client, path, { timestamp: new Date() }], /timestamp must be a number, but is an object \(Date\)/],
    [(path) => [client, path, { timestamp: Number.NaN }], /timestamp must be a number, but is NaN/],
    [(path) => [client, path, { txid: 1n, timestamp: 1 }], /exclude each other/],
    [(path) => [client, path, { overwrite: true }], /has no "overwrite": known are/],
    [(path) => [client, path, { parallelism: 0 }], /parallelism must be a whole number from 1 on/],
    [(path) => [client, path, { integrityCheck: 'fast' }], /integrityCheck must be 'none' or 'quick' or 'full'/],
    [(path) => [client, path, { signal: 5 }], /signal must be an AbortSignal/],
  ],
  follow: [
    [() => [], client_],
    [(path) => [`file://${path}`, path], hint],
    [() => [client, null], /output must be text/],
    [(path) => [client, path, 5], /options must be an object, but is 5/],
    [(path) => [client, path, { interval: 5 }], /has no "interval": did you mean intervalMs\?/],
    [(path) => [client, path, { intervalMs: -1 }], /intervalMs must be a number from 0 on, but is -1/],
    [(path) => [client, path, { onEvent: {} }], /onEvent must be a function/],
  ],
  resetLocalState: [
    [() => [], /path must be text that is not empty, but is undefined/],
    [() => [null], /path must be text that is not empty, but is null/],
    [(path) => [path, null], /options must be an object/],
    [(path) => [path, { dryrun: true }], /has no "dryrun": did you mean dryRun\?/],
    [(path) => [path, { dryRun: 1 }], /dryRun must be true or false, but is 1/],
  ],
}

test.each(Object.keys(CALLS))('%s refuses arguments that are none, with what was expected', async (name) => {
  const path = join(tempDir(), 'app.db')
  for (const [args, says] of REFUSED[name]!) {
    const call = (async () => await CALLS[name]!(...args(path)))()
    await expect(call, String(says)).rejects.toMatchObject({
      name: 'WriterError',
      code: 'WRITER_USAGE',
      message: expect.stringMatching(says),
    })
  }
  expect(existsSync(path)).toBe(false)
})
