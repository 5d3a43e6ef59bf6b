import type { Replicator } from '../../test/interop/replicator.ts'
import type { StoreKind } from '../../test/interop/stores.ts'
import { Load } from '../support/load.ts'
import { untilSlot } from './clock.ts'
import { untilDurable } from './durable.ts'
import type { Options, Pace } from './options.ts'
import { onStage, replicateFromStart, type Stage, type Templates, untilStored } from './stage.ts'

const STEADY_MB_PER_SECOND = 20

/** One run of the `cpu` series. */
export interface CpuSample {
  readonly program: string
  readonly store: StoreKind
  readonly databaseBytes: number
  readonly pace: Pace
  readonly walBytes: number
  /** Replicating that WAL until all of it is durable, graceful end included. */
  readonly cpuSeconds: number
  readonly peakBytes: number
  readonly writeSeconds: number
  /** From the last commit until it is durable. */
  readonly drainSeconds: number
  readonly l0Files: number
  readonly l0Bytes: number
  /** Before that: the first image of the database and what follows it (L9, first compaction). */
  readonly firstImageCpuSeconds: number
  readonly firstImagePeakBytes: number
}

export interface CpuCase {
  readonly kind: StoreKind
  readonly bytes: number
  readonly pace: Pace
}

/** A flood for each size of the database; a steady stream for the smallest only, since it takes its time. */
export function cpuCases({ stores, databaseBytes, paces }: Options): readonly CpuCase[] {
  const sizesOf = { steady: databaseBytes.slice(0, 1), flood: databaseBytes }
  return stores.flatMap((kind) => paces.flatMap((pace) => sizesOf[pace].map((bytes) => ({ kind, bytes, pace }))))
}

export function measureCpu(
  templates: Templates,
  program: Replicator,
  { kind, bytes, pace }: CpuCase,
  options: Options,
): Promise<CpuSample> {
  return onStage({ templates, kind, bytes }, async (stage) => {
    const run = `${program.name}-${kind}-${bytes}-${pace}`
    const load = new Load(stage.job.db, run)
    const metered = await replicateFromStart(program, stage, load)
    try {
      if (options.align) {
        // The first L1 compaction is as large as the database; it belongs to the first image.
        await untilStored(metered, stage, [1])
        await metered.untilQuiet()
        await untilSlot(110_000)
      }
      const first = metered.usage()
      metered.restart()
      const before = await l0(stage)
      const mbPerSecond = pace === 'steady' ? { mbPerSecond: STEADY_MB_PER_SECOND } : {}
      const { commits, walBytes, seconds } = await load.fill({ walBytes: options.walBytes, seed: 11, ...mbPerSecond })
      const written = performance.now()
      await untilDurable(stage, run, commits)
      const drainSeconds = (performance.now() - written) / 1000
      await load.close()
      const { cpuSeconds, peakBytes } = await metered.end()
      const after = await l0(stage)
      return {
        program: program.name,
        store: kind,
        databaseBytes: bytes,
        pace,
        walBytes,
        cpuSeconds,
        peakBytes,
        writeSeconds: seconds,
        drainSeconds,
        l0Files: after.files - before.files,
        l0Bytes: after.bytes - before.bytes,
        firstImageCpuSeconds: first.cpuSeconds,
        firstImagePeakBytes: first.peakBytes,
      }
    } finally {
      load.kill()
      if (metered.program.running) await metered.program.end('SIGKILL')
    }
  })
}

async function l0({ store, replica }: Stage): Promise<{ files: number; bytes: number }> {
  const files = await store.list(replica, 0)
  return { files: files.length, bytes: files.reduce((sum, { size }) => sum + size, 0) }
}
