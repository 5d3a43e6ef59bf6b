import { setTimeout as sleep } from 'node:timers/promises'
import type { Replicator } from '../../test/interop/replicator.ts'
import type { StoreKind } from '../../test/interop/stores.ts'
import { Load } from '../support/load.ts'
import type { Options } from './options.ts'
import { onStage, replicateFromStart, type Templates } from './stage.ts'

const SETTLE_MS = 5000

/** One run of the `idle` series: a replicated database that the application has open and does not touch. */
export interface IdleSample {
  readonly program: string
  readonly store: StoreKind
  readonly seconds: number
  readonly cpuSeconds: number
  readonly residentPeakBytes: number
}

export function measureIdle(
  templates: Templates,
  program: Replicator,
  kind: StoreKind,
  { idleSeconds, databaseBytes }: Options,
): Promise<IdleSample> {
  return onStage({ templates, kind, bytes: databaseBytes[0]! }, async (stage) => {
    const load = new Load(stage.job.db, `${program.name}-idle`)
    const metered = await replicateFromStart(program, stage, load)
    try {
      await sleep(SETTLE_MS)
      metered.restart()
      await sleep(idleSeconds * 1000)
      const { cpuSeconds, peakBytes, wallSeconds } = metered.usage()
      await load.close()
      await metered.end()
      return { program: program.name, store: kind, seconds: wallSeconds, cpuSeconds, residentPeakBytes: peakBytes }
    } finally {
      load.kill()
      if (metered.program.running) await metered.program.end('SIGKILL')
    }
  })
}
