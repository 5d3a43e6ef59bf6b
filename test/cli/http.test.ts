import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { FileReplica } from '../../storage/file/index.ts'
import { CATALOG_NAME } from '../../storage/index.ts'
import { startStaticHttp } from '../servers/static-http.ts'
import { catalogOf } from '../storage/http-catalog-store.ts'
import { countRows, insert, syncedScene, syncOnce } from './scene.ts'
import { cli } from './support.ts'

/** A replica of five rows, its folder on a web server. */
async function served(withCatalog = true) {
  const scene = await syncedScene(3)
  insert(scene.db, 2)
  await syncOnce(scene)
  const client = new FileReplica({ path: scene.replicaDir })
  const server = await startStaticHttp(scene.replicaDir, (path) =>
    withCatalog && path === `/${CATALOG_NAME}` ? catalogOf(client) : undefined,
  )
  onTestFinished(() => server.close())
  return { ...scene, server, web: server.endpoint }
}

test('query and restore read a web server', async () => {
  const { web, dir, server } = await served()
  const query = await cli(['query', web, 'select count(*) as n from t'])
  expect(query).toEqual({ code: 0, stdout: 'n\n5\n', stderr: '' })
  const copy = join(dir, 'copy.db')
  expect(await cli(['restore', '-o', copy, web])).toMatchObject({ code: 0 })
  expect(countRows(copy)).toBe(5)
  const before = join(dir, 'before.db')
  expect(await cli(['restore', '-txid', '0000000000000001', '-o', before, web])).toMatchObject({ code: 0 })
  expect(countRows(before)).toBe(3)
  expect(server.requests.every(({ method }) => method === 'GET')).toBe(true)
})

test('without a catalog it is said what to do', async () => {
  const { web } = await served(false)
  for (const args of [
    ['query', web, 'select 1'],
    ['restore', '-o', '/nowhere/copy.db', web],
  ]) {
    const { code, stderr } = await cli(args)
    expect(code).not.toBe(0)
    expect(stderr).toContain(`Cannot open ${web}: there is no ${CATALOG_NAME} below it`)
    expect(stderr).toContain(`s3://bucket/path?endpoint=${web}`)
  }
})

test('nothing is replicated to it, not even when there is nothing new', async () => {
  const { web, db, server } = await served()
  for (const once of [['-once'], []]) {
    const before = server.requests.length
    const { code, stderr } = await cli(['replicate', ...once, db, web])
    expect(code).not.toBe(0)
    expect(stderr).toContain(`cannot replicate to ${web}: from here it is only read`)
    expect(server.requests).toHaveLength(before)
  }
})
