import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { STORE_KINDS, type StoreKind } from '../../test/interop/stores.ts'

export const SERIES = ['cpu', 'latency', 'restore', 'idle'] as const
export type Series = (typeof SERIES)[number]
export const PACES = ['steady', 'flood'] as const
export type Pace = (typeof PACES)[number]

/** How much of everything; all of it can be changed on the command line. */
export interface Options {
  readonly only: readonly Series[]
  readonly stores: readonly StoreKind[]
  readonly programs: readonly string[]
  /** How the application of `cpu` writes: as fast as it can, or 20 MB of WAL a second. */
  readonly paces: readonly Pace[]
  /** litetap's main file, started as its users do: by itself. */
  readonly main: string
  readonly rounds: number
  /** WAL written per run of `cpu`. */
  readonly walBytes: number
  /** Database sizes of `cpu`; memory must not grow with them. */
  readonly databaseBytes: readonly number[]
  /** Commits per run of the two `latency` series. */
  readonly beats: readonly [slow: number, fast: number]
  readonly restoreBytes: number
  readonly idleSeconds: number
  /** Start each run at the same place between Litestream's compaction times, so that both do the same work. */
  readonly align: boolean
}

const USAGE = `node bench/writer/main.ts [options]
  --quick               small sizes, one round
  --only LIST           of ${SERIES.join(',')}
  --stores LIST         of ${STORE_KINDS.join(',')}
  --programs LIST       default litestream-0.5.16,litetap
  --paces LIST          of ${PACES.join(',')}
  --main FILE           litetap's main file, default dist/cli/main.js
  --rounds N            default 3
  --wal-mb N            WAL per cpu run, default 1000
  --db-mb LIST          database sizes of cpu, default 50,1000
  --restore-mb N        database of restore, default 500
  --idle-seconds N      default 60
  --no-align            do not wait for a common place between compaction times`

export function parseOptions(args: readonly string[]): Options {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean', default: false } as const
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: flag,
      quick: flag,
      'no-align': flag,
      only: text,
      stores: text,
      programs: text,
      paces: text,
      main: text,
      rounds: text,
      'wal-mb': text,
      'db-mb': text,
      'restore-mb': text,
      'idle-seconds': text,
    },
  })
  if (values.help) throw new Error(USAGE)
  const { quick } = values
  const number = (value: string | undefined, full: number, small: number) => Number(value ?? (quick ? small : full))
  const sizes = list(values['db-mb'] ?? (quick ? '50,200' : '50,1000')).map((mb) => Number(mb) * 1e6)
  return {
    only: list(values.only ?? SERIES.join(',')) as Series[],
    stores: list(values.stores ?? STORE_KINDS.join(',')) as StoreKind[],
    programs: list(values.programs ?? 'litestream-0.5.16,litetap'),
    paces: list(values.paces ?? PACES.join(',')) as Pace[],
    main: resolve(values.main ?? join(import.meta.dirname, '../../dist/cli/main.js')),
    rounds: number(values.rounds, 3, 1),
    walBytes: number(values['wal-mb'], 1000, 100) * 1e6,
    databaseBytes: sizes,
    beats: quick ? [20, 50] : [150, 600],
    restoreBytes: number(values['restore-mb'], 500, 60) * 1e6,
    idleSeconds: number(values['idle-seconds'], 60, 10),
    align: !quick && !values['no-align'],
  }
}

function list(text: string): string[] {
  return text.split(',').filter((item) => item !== '')
}
