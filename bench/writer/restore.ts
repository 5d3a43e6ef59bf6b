import { rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileHash } from '../../test/interop/content.ts'
import type { Replicator } from '../../test/interop/replicator.ts'
import { litestream } from '../../test/interop/replicator.ts'
import type { StoreKind } from '../../test/interop/stores.ts'
import { Load } from '../support/load.ts'
import { Metered } from '../support/metered.ts'
import type { Options } from './options.ts'
import { onStage, type Stage, type Templates } from './stage.ts'

const INCREMENTAL_FILES = 60
const INCREMENT_WAL_BYTES = 1_000_000

/** One restore of the `restore` series. */
export interface RestoreSample {
  readonly program: string
  readonly store: StoreKind
  readonly databaseBytes: number
  readonly wallSeconds: number
  readonly cpuSeconds: number
  readonly peakBytes: number
}

/** Restore one bucket by each program in turn, `rounds` times; the results must be the same bytes. */
export function measureRestores(
  templates: Templates,
  programs: readonly Replicator[],
  kind: StoreKind,
  { rounds, restoreBytes }: Options,
): Promise<readonly RestoreSample[]> {
  return onStage({ templates, kind, bytes: restoreBytes }, async (stage) => {
    await fillBucket(stage)
    const samples: RestoreSample[] = []
    const hashes = new Map<string, string>()
    for (let round = 0; round < rounds; round++) {
      for (const program of round % 2 === 0 ? programs : programs.toReversed()) {
        const out = join(stage.dir, 'restored.db')
        const metered = Metered.start(program.restoreCommand(stage.job.url, out), stage.store.env)
        const usage = await metered.toEnd()
        if (round === 0) hashes.set(program.name, fileHash(out))
        samples.push({ program: program.name, store: kind, databaseBytes: statSync(out).size, ...usage })
        rmSync(out)
      }
    }
    if (new Set(hashes.values()).size > 1) throw new Error(`Restored databases differ: ${JSON.stringify([...hashes])}`)
    return samples
  })
}

/** A snapshot of the database and about 60 L0 files after it, written by Litestream: both programs read the same. */
async function fillBucket({ job }: Stage): Promise<void> {
  const writer = await litestream('0.5.16')
  const load = new Load(job.db, 'restore')
  try {
    await writer.once(job, '-force-snapshot')
    for (let i = 0; i < INCREMENTAL_FILES; i++) {
      await load.fill({ walBytes: INCREMENT_WAL_BYTES * (0.2 + (i % 5) * 0.4), seed: 100 + i })
      await writer.once(job)
    }
    await load.close()
  } finally {
    load.kill()
  }
}
