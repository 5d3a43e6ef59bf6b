import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fileHash } from './content.ts'
import { replicateV3, restoreWithV3, type V3Job } from './litestream-v3.ts'
import { type Replicator, replicatorNamed } from './replicator.ts'
import { Scene } from './scene.ts'
import { STORE_KINDS } from './stores.ts'

describe.each(STORE_KINDS)('a backup of Litestream v0.3.13 on %s', (kind) => {
  let scene: Scene
  let readers: readonly Replicator[]
  let job: V3Job
  let url: string
  /** Times between transactions. */
  const times: string[] = []

  beforeAll(async () => {
    scene = await Scene.start(kind)
    readers = await Promise.all(['litestream-0.5.16', 'litetap'].map(replicatorNamed))
    url = scene.store.url('v3')
    const endpoint = new URL(url).searchParams.get('endpoint')
    job = {
      db: join(scene.dir, 'app.db'),
      url: url.replace(/\?.*/, ''),
      dir: scene.dir,
      env: scene.store.env,
      ...(endpoint !== null && { endpoint }),
    }
    for (const generation of [1, 2]) await replicateGeneration(generation)
  })
  afterAll(() => scene.close())

  async function replicateGeneration(generation: number): Promise<void> {
    const db = new DatabaseSync(job.db)
    db.exec('PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0')
    db.exec('CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY, text)')
    const litestream = await replicateV3(job)
    await sleep(1500)
    for (let i = 0; i < 8; i++) {
      db.exec(`INSERT INTO t (text) VALUES ('generation ${generation}, row ${i}'), (hex(randomblob(${i * 4000})))`)
      if (i === 5) db.exec('DELETE FROM t WHERE length(text) > 9000; PRAGMA incremental_vacuum')
      await sleep(600)
      times.push(new Date().toISOString())
      // S3 tells times in whole seconds to some: no two states within one.
      await sleep(600)
    }
    await litestream.stop()
    db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    db.close()
  }

  async function restoreByAll(name: string, timestamp?: string) {
    const target = timestamp === undefined ? {} : { timestamp }
    const hashes: string[] = []
    for (const reader of readers) {
      const out = scene.output(`${name}-${reader.name}`)
      await reader.restore({ url, env: scene.store.env }, out, target)
      hashes.push(fileHash(out))
    }
    const out = scene.output(`${name}-v0.3.13`)
    try {
      await restoreWithV3(job, out, timestamp)
      hashes.push(fileHash(out))
    } catch (error) {
      // Between two generations it finds nothing, where 0.5 takes the end of the first.
      if (timestamp === undefined || !/no matching backups found/.test(String(error))) throw error
    }
    expect(new Set(hashes), `${name}: ${hashes}`).toHaveLength(1)
    return { out: scene.output(`${name}-litetap`), hash: hashes[0]!, readers: hashes.length }
  }

  test('the newest state: the same bytes by all three, and the database as it is', async () => {
    const restored = new DatabaseSync((await restoreByAll('newest')).out, { readOnly: true })
    const live = new DatabaseSync(job.db)
    const query = 'SELECT count(*) AS n, sum(length(text)) AS bytes FROM t'
    expect(restored.prepare(query).get()).toEqual(live.prepare(query).get())
    restored.close()
    live.close()
    if (kind !== 'file') return
    const folder = fileURLToPath(url)
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.wal.lz4'))
    expect(files.length).toBeGreaterThan(10)
    expect(files.every((name) => statSync(join(folder, name)).size > 0)).toBe(true)
  })

  test('states in time: the same bytes by all three, and many different ones', async () => {
    const states = new Set<string>()
    // Litestream 0.5 refuses a time after the last file.
    for (const [i, time] of times.slice(0, -1).entries()) {
      const { hash, readers } = await restoreByAll(`at-${i}`, time)
      if (readers === 3) states.add(hash)
    }
    expect(states.size).toBeGreaterThan(10)
  })
})
