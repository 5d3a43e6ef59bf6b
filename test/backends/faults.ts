import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { type ReplicaClient, withRetry } from '../../storage/index.ts'
import { openReplicaSettings } from '../../storage/node.ts'
import type { ReplicaSettings } from '../../storage/replica-settings.ts'
import { Replicator, restore } from '../../writer/index.ts'
import { type LagProxy, startLagProxy } from '../servers/lag-proxy.ts'
import { seededRandom } from '../support/random.ts'
import { tempDir } from '../support/temp-dir.ts'
import { truth } from '../writer/workbench.ts'

/** A real server on 127.0.0.1, and how a replica on it is opened by way of another port. */
export interface FaultyServer {
  readonly port: number
  settings(port: number): ReplicaSettings
  readonly env?: Record<string, string>
  stop(): Promise<void>
}

const SEED = Number(process.env.LITETAP_SEED ?? 20261125)
const ROUNDS = 12

/** What a line does to a replicator: each returns once the fault is over. */
const FAULTS: Readonly<Record<string, (proxy: LagProxy, random: () => number) => Promise<void>>> = {
  delays: async (proxy, random) => {
    proxy.set({ rtt: 20 + Math.floor(random() * 80) })
    await sleep(300)
    proxy.set({ rtt: 0 })
  },
  resets: async (proxy) => {
    proxy.resetAll()
    await sleep(100)
  },
  truncates: async (proxy, random) => {
    proxy.set({ resetAfter: proxy.stats.down + 1 + Math.floor(random() * 600) })
    await sleep(300)
    proxy.set({ resetAfter: Number.POSITIVE_INFINITY })
  },
  refuses: async (proxy) => {
    proxy.set({ refuse: true })
    proxy.resetAll()
    await sleep(300)
    proxy.set({ refuse: false })
  },
  'swallows all': async (proxy) => {
    proxy.set({ blackhole: true })
    await sleep(400)
    // What was swallowed is lost: no connection can go on after it.
    proxy.resetAll()
    proxy.set({ blackhole: false })
  },
}

/**
 * What must hold on a bad line, for any backend: replication ends durable once the line is well again, and what is
 * restored is byte for byte the database.
 */
export function faultSuite(name: string, start: () => Promise<FaultyServer>): void {
  describe(`${name} on a bad line (seed ${SEED})`, () => {
    let server: FaultyServer
    let proxy: LagProxy
    beforeAll(async () => {
      server = await start()
      proxy = await startLagProxy(`http://127.0.0.1:${server.port}`)
    })
    afterAll(async () => {
      await proxy?.close()
      await server?.stop()
    })

    async function client(port: number): Promise<ReplicaClient> {
      const opened = await openReplicaSettings(server.settings(port), { ...(server.env && { env: server.env }) })
      onTestFinished(() => opened.close())
      return opened
    }

    test('a replicator goes on through every fault and ends durable; what it wrote restores byte for byte', async () => {
      const random = seededRandom(SEED)
      const sizes = seededRandom(SEED + 1)
      const dir = tempDir()
      const path = join(dir, 'app.db')
      const app = new DatabaseSync(path)
      onTestFinished(() => app.close())
      app.exec('PRAGMA journal_mode = wal; CREATE TABLE t (id INTEGER PRIMARY KEY, v BLOB)')
      const insert = app.prepare('INSERT INTO t (v) VALUES (randomblob(?))')

      const replicator = new Replicator({ dbPath: path, client: await client(proxy.port) })
      await replicator.start()
      onTestFinished(() => replicator.close().catch(() => {}))

      let over = false
      const application = (async () => {
        for (; !over; await sleep(15)) insert.run(1 + Math.floor(sizes() * 20_000))
      })()
      const names = Object.keys(FAULTS)
      for (let round = 0; round < ROUNDS; round++) {
        await FAULTS[names[round % names.length]!]!(proxy, random)
        await sleep(50)
      }
      over = true
      await application
      expect(proxy.stats.connections, 'connections were lost and made anew').toBeGreaterThan(3)

      const copied = replicator.primary.txid
      expect((await replicator.flush()) >= copied, 'durable up to what was copied').toBe(true)
      await replicator.close()
      expect(app.prepare('SELECT count(*) AS n FROM t').get()!.n).toBeGreaterThan(50)

      const output = join(dir, 'restored.db')
      await restore(await client(server.port), output, { integrityCheck: 'full' })
      expect(readFileSync(output).equals(truth(path)), 'restored as it is').toBe(true)

      // The same by the bad line: replies are cut again and again.
      const again = join(dir, 'restored-again.db')
      const resets = proxy.stats.resets
      const cut = (): void => {
        if (proxy.stats.resets < resets + 6) proxy.set({ resetAfter: proxy.stats.down + 60_000 })
      }
      cut()
      const patient = withRetry(await client(proxy.port), { attempts: 10, baseMs: 5, maxMs: 50, onRetry: cut })
      await restore(patient, again, { integrityCheck: 'full', parallelism: 2 })
      proxy.set({ resetAfter: Number.POSITIVE_INFINITY })
      expect(proxy.stats.resets, 'replies were cut').toBeGreaterThan(resets)
      expect(readFileSync(again).equals(truth(path)), 'restored by the bad line').toBe(true)
    })
  })
}
