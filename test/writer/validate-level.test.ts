import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { ReplicaClient } from '../../storage/index.ts'
import { findLevelProblems } from '../../writer/index.ts'
import { silentLog } from '../../writer/log.ts'
import { Maintenance } from '../../writer/maintenance.ts'
import { Scheduler } from '../../writer/scheduler.ts'
import { REPLICATOR_DEFAULTS } from '../../writer/settings.ts'
import { insertBlobs, workbench } from './workbench.ts'

function file(minTXID: number, maxTXID: number) {
  return { level: 1, minTXID: BigInt(minTXID), maxTXID: BigInt(maxTXID) }
}

describe('a level is whole when its files follow each other (facts 5.6)', () => {
  it.each([
    ['nothing', [], []],
    ['one file', [file(3, 4)], []],
    ['neighbours', [file(1, 4), file(5, 5), file(6, 9)], []],
    ['a gap', [file(1, 4), file(6, 9)], ['gap']],
    ['an overlap', [file(1, 4), file(4, 9)], ['overlap']],
    ['out of order', [file(5, 9), file(1, 4)], ['unsorted']],
  ])('%s', (_, files, kinds) => {
    expect(findLevelProblems(files).map(({ kind }) => kind)).toEqual(kinds)
  })

  it('with verify-compaction: a gap is told after the compaction, which goes on', async () => {
    const bench = await workbench({ setup: 'CREATE TABLE t (v)' })
    for (let i = 0; i < 3; i++) {
      insertBlobs(bench.app, 1, 100)
      await bench.replicate()
    }
    // Once level 1 is written to, a file stands in it that leaves a gap.
    let written = false
    const gap: ReplicaClient = new Proxy(bench.client, {
      get(target, key) {
        if (key === 'write') {
          return (...args: Parameters<ReplicaClient['write']>) => {
            written ||= args[0].level === 1
            return target.write(...args)
          }
        }
        const value = Reflect.get(target, key)
        if (key !== 'list') return typeof value === 'function' ? value.bind(target) : value
        return async function* (level: number, options?: object) {
          yield* target.list(level, options)
          if (level === 1 && written) yield { level: 1, minTXID: 100n, maxTXID: 100n, size: 1, createdAt: 0 }
        }
      },
    })
    const warned: unknown[] = []
    const stop = new AbortController()
    const scheduler = new Scheduler()
    const maintenance = new Maintenance({
      client: gap,
      primary: bench.primary,
      durableTXID: () => 200n,
      settings: { ...REPLICATOR_DEFAULTS, verifyCompaction: true, levels: [{ level: 1, intervalMs: 1 }] },
      log: { ...silentLog, warn: (message, fields) => warned.push([message, fields]) },
    })
    maintenance.start(scheduler, { signal: stop.signal, backend: '' })
    maintenance.uploaded()
    while (bench.primary.figures.compactionVerifyErrors === 0) await delay(5)
    stop.abort()
    await maintenance.stop()
    expect(warned[0]).toEqual([
      'a level is not whole after compaction',
      { level: 1, kind: 'gap', after: '0000000000000003', before: '0000000000000064' },
    ])
  })
})
