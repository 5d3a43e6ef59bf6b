import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { DaemonMetrics, MetricsServer } from '../../daemon/metrics/index.ts'
import { newFigures } from '../../writer/index.ts'
import { parseMetrics } from './support/parse-metrics.ts'
import { ReplicatorControl } from './support/replicator-control.ts'
import { daemonScene } from './support/scene.ts'

const LOOPBACK = { host: '127.0.0.1', port: 0 }

async function serve(control: ReplicatorControl) {
  const metrics = new DaemonMetrics(control)
  const server = new MetricsServer(metrics)
  const { url } = await server.listen(LOOPBACK)
  onTestFinished(() => server.close())
  const scrape = async () => parseMetrics(await (await fetch(`${url}/metrics`)).text())
  return { metrics, url, scrape }
}

describe('metrics (facts 8.4)', () => {
  test("of a database that is replicated, with SQLite's own figures", async () => {
    const { control, database } = await daemonScene()
    const { path, url, app } = database('a')
    await control.register(path, { type: 'file', path: new URL(url).pathname })
    app.exec("INSERT INTO t (text) VALUES ('a')")
    await control.sync(path, { wait: true })
    const { scrape } = await serve(control)
    const { value } = await scrape()
    const of = (name: string, labels: Record<string, string> = {}) => value(name, { db: path, ...labels })
    const { page_count, page_size } = {
      ...app.prepare('PRAGMA page_count').get(),
      ...app.prepare('PRAGMA page_size').get(),
    }
    expect(of('litestream_db_size')).toBe(Number(page_count) * Number(page_size))
    const { txid } = control.report(path)!
    expect(of('litestream_txid')).toBe(Number(txid))
    expect(of('litetap_replicated_txid')).toBe(Number(txid))
    expect(of('litestream_wal_size')).toBeGreaterThan(32)
    expect(of('litestream_total_wal_bytes')).toBeGreaterThan(0)
    expect(of('litestream_sync_count')).toBeGreaterThan(0)
    expect(of('litestream_sync_error_count')).toBe(0)
    expect(of('litestream_sync_seconds')).toBeGreaterThan(0)
    expect(of('litestream_disk_full')).toBe(0)
    expect(of('litestream_compaction_verify_error_count')).toBe(0)
    expect(of('litetap_in_trouble')).toBe(0)
    expect(Math.abs(of('litetap_last_sync_timestamp_seconds')! - Date.now() / 1000)).toBeLessThan(60)
    expect(value('litetap_databases', { state: 'replicating' })).toBe(1)
  })

  test('checkpoints by mode, once there was one; level 0 by status; a stopped database goes on counting', async () => {
    const { control, database } = await daemonScene()
    const { path, url } = database('a')
    await control.register(path, { type: 'file', path: new URL(url).pathname })
    const { scrape } = await serve(control)
    const { figures } = control.report(path)!
    const mode = (text: 'PASSIVE' | 'TRUNCATE') => ({ db: path, mode: text })
    expect((await scrape()).value('litestream_checkpoint_count', mode('PASSIVE'))).toBeUndefined()
    Object.assign(figures!.checkpoints.PASSIVE, { count: 3, errors: 1, seconds: 0.5 })
    Object.assign(figures!, { l0: { eligible: 4, notCompacted: 5, tooRecent: 6 } })
    await control.stop(path)
    Object.assign(figures!, { diskFull: true })
    const { value } = await scrape()
    expect(value('litestream_checkpoint_count', mode('PASSIVE'))).toBe(3)
    expect(value('litestream_checkpoint_error_count', mode('PASSIVE'))).toBe(1)
    expect(value('litestream_checkpoint_seconds', mode('PASSIVE'))).toBe(0.5)
    expect(value('litestream_checkpoint_count', mode('TRUNCATE'))).toBeUndefined()
    for (const [status, count] of Object.entries({ eligible: 4, not_compacted: 5, too_recent: 6 })) {
      expect(value('litestream_l0_retention_files_total', { db: 'app.db', status })).toBe(count)
    }
    expect(value('litestream_disk_full', { db: path })).toBe(1)
    expect(value('litetap_databases', { state: 'stopped' })).toBe(1)
  })

  test('operations on stores: counts, bytes, durations, errors', async () => {
    const { metrics, scrape } = await serve(new ReplicatorControl())
    metrics.operations.record('s3', { operation: 'PUT', bytes: 100, ms: 20 })
    metrics.operations.record('s3', { operation: 'PUT', bytes: 11, ms: 700 })
    metrics.operations.record('gs', { operation: 'LIST', bytes: 0, ms: 70_000, error: 'STORAGE_TIMEOUT' })
    const { value, types } = await scrape()
    const put = { replica_type: 's3', operation: 'PUT' }
    const list = { replica_type: 'gs', operation: 'LIST' }
    expect(value('litestream_replica_operation_total', put)).toBe(2)
    expect(value('litestream_replica_operation_bytes', put)).toBe(111)
    const name = 'litestream_replica_operation_duration_seconds'
    expect(types.get(name)).toBe('histogram')
    const buckets = [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60].map((le) =>
      value(`${name}_bucket`, { ...put, le: `${le}` }),
    )
    expect(buckets).toEqual([0, 1, 1, 1, 2, 2, 2, 2, 2])
    expect(value(`${name}_bucket`, { ...list, le: '60' })).toBe(0)
    expect(value(`${name}_bucket`, { ...list, le: '+Inf' })).toBe(1)
    expect(value(`${name}_sum`, put)).toBeCloseTo(0.72)
    const error = { ...list, code: 'STORAGE_TIMEOUT' }
    expect(value('litestream_replica_operation_errors_total', error)).toBe(1)
  })

  test('databases of one name are one sample of level 0; odd paths are escaped; what is gone is not told of', async () => {
    const control = new ReplicatorControl()
    const figures = { ...newFigures(), l0: { eligible: 1, notCompacted: 2, tooRecent: 3 } }
    const odd = '/a "b"\\\n/app.db'
    const common = {
      state: 'replicating',
      replicaType: 'file',
      replicaURL: 'file:///x',
      txid: 1n,
      replicatedTXID: 1n,
    } as const
    control.list = () => [odd, '/c/app.db'].map((path) => ({ ...common, path, figures }))
    const { scrape } = await serve(control)
    const { value, samples } = await scrape()
    expect(value('litestream_l0_retention_files_total', { db: 'app.db', status: 'not_compacted' })).toBe(4)
    expect(value('litestream_txid', { db: odd })).toBe(1)
    expect(new Set(samples.map(({ id }) => id)).size).toBe(samples.length)
    control.list = () => []
    expect((await scrape()).samples.filter(({ labels }) => labels.db !== undefined)).toEqual([])
  })

  test('of 5,000 databases: one list is read, and replication has its turns meanwhile', async () => {
    const control = new ReplicatorControl()
    let lists = 0
    control.list = () => {
      lists += 1
      return Array.from({ length: 5000 }, (_, i) => ({
        path: join('/data', `${i}.db`),
        state: 'replicating',
        replicaType: 's3',
        replicaURL: 's3://x',
        txid: BigInt(i),
        replicatedTXID: BigInt(i),
        figures: newFigures(),
      }))
    }
    const metrics = new DaemonMetrics(control)
    let turns = 0
    const others = setInterval(() => {}, 1000)
    const count = () => {
      turns += 1
      if (others.hasRef()) setImmediate(count)
    }
    setImmediate(count)
    const [text, same] = await Promise.all([metrics.text(), metrics.text()])
    others.unref()
    expect(same).toBe(text)
    expect(lists).toBe(1)
    expect(turns).toBeGreaterThan(15)
    const { samples } = parseMetrics(text)
    expect(samples.filter(({ name }) => name === 'litestream_txid')).toHaveLength(5000)
  })
})

describe('the server', () => {
  test('process metrics, and the type of the text', async () => {
    const { url } = await serve(new ReplicatorControl())
    const reply = await fetch(`${url}/metrics`)
    expect(reply.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    const { types } = parseMetrics(await reply.text())
    for (const name of [
      'process_cpu_seconds_total',
      'process_resident_memory_bytes',
      'nodejs_eventloop_lag_p99_seconds',
    ]) {
      expect(types.has(name), name).toBe(true)
    }
  })

  test('health; nothing else; nothing but reading', async () => {
    const { url } = await serve(new ReplicatorControl())
    expect(await (await fetch(`${url}/health`)).text()).toBe('ok\n')
    expect((await fetch(`${url}/`)).status).toBe(404)
    const post = await fetch(`${url}/metrics`, { method: 'POST' })
    expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
  })

  test('an address that is taken', async () => {
    const { url } = await serve(new ReplicatorControl())
    const second = new MetricsServer(new DaemonMetrics(new ReplicatorControl()))
    const address = { host: '127.0.0.1', port: Number(new URL(url).port) }
    await expect(second.listen(address)).rejects.toMatchObject({
      code: 'DAEMON_CANNOT_LISTEN',
      message: `Cannot listen on 127.0.0.1:${address.port} for metrics: something else does already`,
    })
    await second.close()
  })
})
