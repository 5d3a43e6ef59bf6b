import { expect, test } from 'vitest'
import { openOnWeb } from '../../entry/open-web.ts'
import { open } from '../../entry/web.ts'
import { r2Replica } from '../../storage/r2/index.ts'
import { loadEngineModules } from '../../vfs/load-node.ts'
import { source } from '../vfs/scene.ts'

test('a cache that the runtime refuses is told of', async () => {
  // Node has no Cache API.
  const problems: unknown[] = []
  const { client } = await source('CREATE TABLE t (v); INSERT INTO t VALUES (1)')
  const options = { cache: { name: 'pages' }, onProblem: (problem: unknown) => problems.push(problem) }
  await using db = await openOnWeb(client, options, loadEngineModules)
  expect(await db.get('SELECT v FROM t')).toEqual({ v: 1 })
  expect(problems).toEqual([expect.objectContaining({ code: 'WEB_CACHE_UNAVAILABLE' })])
})

test('what open refuses in browsers', async () => {
  const { client } = await source('CREATE TABLE t (v)')
  for (const [args, says] of [
    [[], /URL of a replica, or its client, but it is undefined/],
    [[client, null], /options must be an object, but is null/],
    [[client, { cache: { path: '/x' } }], /cache has no "path": known are memoryBytes, name, maxBytes/],
    [[client, { sqlit: '/sqlite3.wasm' }], /has no "sqlit": did you mean sqlite\?/],
    [[client, { sqlite: 5 }], /sqlite must be a URL, bytes or a module, but is 5/],
    [[client, { env: {} }], /has no "env"/],
    [[client, { abs: { sas: 'x' } }], /abs has no "sas"/],
  ] as const) {
    await expect((open as (...args: unknown[]) => Promise<unknown>)(...args), String(says)).rejects.toMatchObject({
      code: 'VFS_USAGE',
      message: expect.stringMatching(says),
    })
  }
})

test('r2Replica refuses what is no bucket, as a binding that is missing', () => {
  const loose = r2Replica as (...args: unknown[]) => unknown
  for (const [args, says] of [
    [[undefined, 'app'], /binding of R2, but is undefined/],
    [['bucket', 'app'], /binding of R2, but is text/],
    [[{ get() {}, head() {}, list() {} }], /path must be text, but is undefined/],
  ] as const) {
    expect(() => loose(...args)).toThrow(
      expect.objectContaining({ code: 'STORAGE_BAD_OPTION', message: expect.stringMatching(says) }),
    )
  }
})
