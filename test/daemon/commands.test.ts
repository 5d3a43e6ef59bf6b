import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { listDatabases, listFiles, resetDatabase, statusLine } from '../../daemon/commands/index.ts'
import type { Config } from '../../daemon/config/config.ts'
import { FileReplica } from '../../storage/file/index.ts'
import { daemonScene } from './support/scene.ts'

test('databases: each database, and each folder with its pattern', () => {
  const databases = [
    { kind: 'database', path: '/data/app.db', replica: { type: 's3', bucket: 'b', path: 'app' } },
    { kind: 'directory', dir: '/data/tenants', pattern: '*.db', replica: { type: 'file', path: '/backup' } },
  ] as unknown as Config['databases']
  expect(listDatabases({ databases })).toEqual([
    { path: '/data/app.db', replica: 's3' },
    { path: '/data/tenants/*.db', replica: 'file' },
  ])
})

describe('of a real database', () => {
  test('files, status and reset are told of as JSON has them', async () => {
    const { control, database } = await daemonScene()
    const { path, url } = database('a')
    const folder = new URL(url).pathname
    expect(await statusLine(path)).toMatchObject({ database: path, status: 'not initialized', local_txid: '-' })
    expect(await resetDatabase(path, { dryRun: true })).toMatchObject({ hadState: false, files: [] })
    await control.register(path, { type: 'file', path: folder })
    await control.sync(path, { wait: true })
    await control.stop(path)
    const { txid } = control.report(path)!
    const last = txid.toString(16).padStart(16, '0')
    expect(await statusLine(path)).toMatchObject({ database: path, status: 'ok', local_txid: last })
    const files = await listFiles(new FileReplica({ path: folder }), [0, 9])
    expect(files.filter(({ level }) => level === 0).at(-1)).toMatchObject({ min_txid: last, max_txid: last })
    const dry = await resetDatabase(path, { dryRun: true })
    expect(dry.files).toContain(join(dry.ltxDir, '0', `${last}-${last}.ltx`))
    expect(await resetDatabase(path)).toEqual(dry)
    expect(await statusLine(path)).toMatchObject({ status: 'not initialized' })
    expect(await statusLine(`${path}-none`)).toMatchObject({ status: 'no database', wal_size: '-' })
  })
})
