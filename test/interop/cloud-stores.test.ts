import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { ContainerClient, StorageSharedKeyCredential } from '@azure/storage-blob'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { type ReplicaClient, readAll } from '../../storage/index.ts'
import { openReplicaSettings } from '../../storage/node.ts'
import type { ReplicaSettings } from '../../storage/replica-settings.ts'
import { restore } from '../../writer/index.ts'
import { plain, QUERIES, replicateSome } from '../backends/round-trip.ts'
import { startAzurite } from '../backends/servers/azurite.ts'
import { startGcsEmulator } from '../backends/servers/gcs-emulator.ts'
import { tempDir } from '../support/temp-dir.ts'
import { litestreamBinary } from './litestream.ts'
import { run } from './process.ts'

/** A store that the real Litestream can be led to, by the same settings. */
interface Cloud {
  settings(path: string): ReplicaSettings
  /** The replica's part of Litestream's configuration. */
  config(path: string): Readonly<Record<string, string>>
  readonly env: Readonly<Record<string, string>>
  stop(): Promise<void>
}

const CLOUDS: Readonly<Record<string, () => Promise<Cloud>>> = {
  gs: async () => {
    const { endpoint, stop } = await startGcsEmulator()
    return {
      settings: (path) => ({ type: 'gs', bucket: 'bucket', path, endpoint }),
      config: (path) => ({ type: 'gs', bucket: 'bucket', path }),
      env: { STORAGE_EMULATOR_HOST: endpoint.slice('http://'.length) },
      stop,
    }
  },
  abs: async () => {
    const { endpoint, accountName, accountKey, stop } = await startAzurite()
    const credential = new StorageSharedKeyCredential(accountName, accountKey)
    await new ContainerClient(`${endpoint}/bucket`, credential).create()
    return {
      settings: (path) => ({ type: 'abs', bucket: 'bucket', path, endpoint, accountName, accountKey }),
      config: (path) => ({ type: 'abs', bucket: 'bucket', path, endpoint, 'account-name': accountName }),
      env: { LITESTREAM_AZURE_ACCOUNT_KEY: accountKey },
      stop,
    }
  },
}

describe.each(Object.keys(CLOUDS))('Litestream 0.5.16 and litetap on one %s bucket', (kind) => {
  let cloud: Cloud
  let litestream: string
  beforeAll(async () => {
    cloud = await CLOUDS[kind]!()
    litestream = await litestreamBinary('0.5.16')
  })
  afterAll(() => cloud?.stop())

  async function client(path: string): Promise<ReplicaClient> {
    const opened = await openReplicaSettings(cloud.settings(path))
    onTestFinished(() => opened.close())
    return opened
  }

  /** A configuration file with one database. */
  function configFile(dir: string, db: string, path: string): string {
    const file = join(dir, `${path}.yml`)
    const lines = Object.entries(cloud.config(path)).map(([key, value]) => `      ${key}: ${value}`)
    writeFileSync(file, ['dbs:', `  - path: ${db}`, '    replica:', ...lines, ''].join('\n'))
    return file
  }

  test('Litestream restores what litetap wrote', async () => {
    const { dir, path, answers } = await replicateSome(await client('ours'))
    const output = join(dir, 'by-litestream.db')
    await run([litestream, 'restore', '-config', configFile(dir, path, 'ours'), '-o', output, path], cloud.env)
    const db = new DatabaseSync(output, { readOnly: true })
    expect(plain(QUERIES.map((sql) => db.prepare(sql).all()))).toEqual(answers)
    db.close()
  })

  test('litetap restores what Litestream wrote, with its timestamps', async () => {
    const dir = tempDir()
    const path = join(dir, 'app.db')
    const app = new DatabaseSync(path)
    app.exec('PRAGMA journal_mode = wal; CREATE TABLE t (id INTEGER PRIMARY KEY, v BLOB)')
    app.exec('INSERT INTO t (v) VALUES (randomblob(10)), (randomblob(5000)), (randomblob(3000000))')
    await run([litestream, 'replicate', '-config', configFile(dir, path, 'theirs'), '-once'], cloud.env)
    const replica = await client('theirs')
    const output = join(dir, 'by-litetap.db')
    await restore(replica, output, { integrityCheck: 'full' })
    const db = new DatabaseSync(output, { readOnly: true })
    for (const sql of QUERIES) expect(plain(db.prepare(sql).all())).toEqual(plain(app.prepare(sql).all()))
    db.close()
    app.close()
    let files = 0
    for await (const file of replica.list(0)) {
      files++
      const header = await readAll((await replica.open(file, { size: 100 }))!)
      // Offset 32: milliseconds since the Unix epoch (facts 1.1).
      expect(file.createdAt).toBe(Number(new DataView(header.buffer).getBigInt64(32)))
    }
    expect(files).toBeGreaterThan(0)
    expect(readFileSync(output).length).toBeGreaterThan(3_000_000)
  })
})
