import { expect, test } from 'vitest'
import { openOnWeb } from '../../entry/open-web.ts'
import { open } from '../../entry/web.ts'
import { loadEngineModules } from '../../vfs/load-node.ts'
import { source } from '../vfs/scene.ts'

test('a cache that the runtime refuses is told of', async () => {
  // Node has no Cache API.
  const problems: unknown[] = []
  const { client } = await source('CREATE TABLE t (v); INSERT INTO t VALUES (1)')
  const options = { cache: { name: 'pages' }, onProblem: (problem: unknown) => problems.push(problem) }
  await using db = await openOnWeb(client, options, loadEngineModules)
  expect(await db.get('SELECT v FROM t')).toEqual({ v: 1 })
  expect(problems).toEqual([expect.objectContaining({ code: 'VFS_CACHE', message: expect.stringContaining('pages') })])
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
