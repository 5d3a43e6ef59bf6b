import { parseArgs } from 'node:util'
import { choose, list } from '../support/arguments.ts'
import { type Line, parseLine } from '../support/line.ts'
import { SIZES, type Size } from './bucket.ts'
import { SCENARIO_NAMES } from './scenarios.ts'
import { SUBJECTS, type SubjectName } from './subject.ts'

export const EXTRAS = ['hydration', 'warm', 'following'] as const
export type Extra = (typeof EXTRAS)[number]

/** How much of everything; all of it can be changed on the command line. */
export interface Options {
  readonly sizes: readonly Size[]
  readonly lines: readonly Line[]
  readonly subjects: readonly SubjectName[]
  /** Scenarios and extras. */
  readonly only: readonly string[]
  readonly rounds: number
  /** litestream-vfs takes minutes where others take seconds, and varies little. */
  readonly vfsRounds: number
  /** A query that takes longer is ended, and stands as "> N s". */
  readonly timeoutSeconds: number
  /** Let litestream-vfs finish its full scan. */
  readonly vfsScan: boolean
  /** Age of the snapshot; undefined: as the preset has it. */
  readonly hours: number | undefined
  /** L0 files written while a reader follows. */
  readonly beats: number
  readonly idleSeconds: number
}

const USAGE = `node bench/reader/main.ts [options]
  --quick               200 MB, the slow line, one round, short series
  --sizes LIST          of ${SIZES.join(',')}, default 200MB,2GB
  --lines LIST          RTT in ms / Mbit/s, default 30/100,5/1000
  --subjects LIST       of ${SUBJECTS.join(',')}
  --only LIST           of ${[...SCENARIO_NAMES, ...EXTRAS].join(',')}
  --rounds N            default 3
  --vfs-rounds N        rounds of litestream-vfs, default 1
  --timeout SECONDS     of one query, default 90
  --vfs-scan            let litestream-vfs finish its full scan: minutes
  --hours N             whole hours since the snapshot, default 7
  --beats N             files written to a reader that follows, default 40
  --idle-seconds N      default 60`

export function parseOptions(args: readonly string[]): Options {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean', default: false } as const
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: flag,
      quick: flag,
      'vfs-scan': flag,
      sizes: text,
      lines: text,
      subjects: text,
      only: text,
      rounds: text,
      'vfs-rounds': text,
      timeout: text,
      hours: text,
      beats: text,
      'idle-seconds': text,
    },
  })
  if (values.help) {
    console.log(USAGE)
    process.exit(0)
  }
  const { quick } = values
  const number = (value: string | undefined, full: number, small: number) => Number(value ?? (quick ? small : full))
  return {
    sizes: choose(values.sizes ?? (quick ? '200MB' : '200MB,2GB'), SIZES),
    lines: list(values.lines ?? (quick ? '30/100' : '30/100,5/1000')).map(parseLine),
    subjects: choose(values.subjects ?? SUBJECTS.join(','), SUBJECTS),
    only: choose(values.only ?? [...SCENARIO_NAMES, ...EXTRAS].join(','), [...SCENARIO_NAMES, ...EXTRAS]),
    rounds: number(values.rounds, 3, 1),
    vfsRounds: number(values['vfs-rounds'], 1, 1),
    timeoutSeconds: number(values.timeout, 90, 60),
    vfsScan: values['vfs-scan'],
    hours: values.hours === undefined ? undefined : Number(values.hours),
    beats: number(values.beats, 40, 15),
    idleSeconds: number(values['idle-seconds'], 60, 20),
  }
}
