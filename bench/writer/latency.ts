import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Replicator } from '../../test/interop/replicator.ts'
import { type StoreKind, s3Url } from '../../test/interop/stores.ts'
import { watchFolder } from '../support/folder-watch.ts'
import { Load } from '../support/load.ts'
import { newestMark } from '../support/marks.ts'
import { startPutProxy, type Upload } from '../support/put-proxy.ts'
import { percentile } from '../support/statistics.ts'
import type { Options } from './options.ts'
import { onStage, replicateFromStart, type Stage, type Templates } from './stage.ts'

/** One run of the `latency` series: from COMMIT returning until the L0 file that holds it is in the store. */
export interface LatencySample {
  readonly program: string
  readonly store: StoreKind
  readonly meanIntervalMs: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
  readonly commits: number
  readonly l0Files: number
}

const TIMEOUT_MS = 30_000

/** Mean intervals of the two series, slow and fast. */
export const MEAN_INTERVALS_MS = [400, 100] as const

export function measureLatency(
  templates: Templates,
  program: Replicator,
  { kind, series }: { kind: StoreKind; series: 0 | 1 },
  { beats, databaseBytes }: Options,
): Promise<LatencySample> {
  return onStage({ templates, kind, bytes: databaseBytes[0]! }, async (stage) => {
    const run = `${program.name}-${kind}-${series}`
    const uploads: Upload[] = []
    const observer = await observe(stage, (upload) => uploads.push(upload))
    const load = new Load(stage.job.db, run)
    const metered = await replicateFromStart(program, stage, load, observer.url)
    try {
      await observer.start()
      uploads.length = 0
      const meanMs = MEAN_INTERVALS_MS[series]
      const { first, commits, committedAt } = await load.beat({ count: beats[series], meanMs, seed: 5 + series })
      const deadline = Date.now() + TIMEOUT_MS
      while (!uploads.some(({ body }) => newestMark(body, run, commits, commits) !== undefined)) {
        if (Date.now() > deadline) throw new Error(`Commit ${commits} of ${run} did not become durable`)
        await sleep(100)
      }
      await load.close()
      await metered.end()
      const delays = delaysOf({ run, first, committedAt }, uploads)
      return {
        program: program.name,
        store: kind,
        meanIntervalMs: meanMs,
        p50Ms: percentile(delays, 0.5),
        p99Ms: percentile(delays, 0.99),
        maxMs: Math.max(...delays),
        commits,
        l0Files: uploads.length,
      }
    } finally {
      observer.stop()
      load.kill()
      if (metered.program.running) await metered.program.end('SIGKILL')
    }
  })
}

interface Beats {
  readonly run: string
  /** Number of the first commit. */
  readonly first: number
  readonly committedAt: readonly bigint[]
}

/** L0 files come in order, so a commit is durable with the first file that holds it or a later one. */
function delaysOf({ run, first, committedAt }: Beats, uploads: readonly Upload[]): readonly number[] {
  const delays: number[] = []
  for (const { body, durableAt } of uploads) {
    const newest = newestMark(body, run, first + delays.length, first + committedAt.length - 1) ?? 0
    while (first + delays.length <= newest) delays.push(Number(durableAt - committedAt[delays.length]!) / 1e6)
  }
  return delays
}

interface Observer {
  /** What the program replicates to. */
  readonly url: string
  start(): Promise<void>
  stop(): void
}

async function observe(stage: Stage, onL0: (upload: Upload) => void): Promise<Observer> {
  if (stage.store.kind === 'file') return observeFolder(stage, onL0)
  const endpoint = new URL(stage.job.url).searchParams.get('endpoint')!
  const proxy = await startPutProxy(endpoint, (upload) => {
    if (upload.path.includes(`/${stage.replica}/0000/`)) onL0(upload)
  })
  return { url: s3Url(proxy.endpoint, stage.replica), start: async () => {}, stop: () => proxy.close() }
}

function observeFolder({ job }: Stage, onL0: (upload: Upload) => void): Observer {
  const folder = join(fileURLToPath(job.url), 'ltx', '0')
  let stop = () => {}
  return {
    url: job.url,
    start: async () => {
      while (!existsSync(folder)) await sleep(50)
      const watcher = watchFolder(folder, onL0)
      stop = () => watcher.close()
    },
    stop: () => stop(),
  }
}
