import { parseArgs } from 'node:util'
import { SIZES, type Size } from '../reader/bucket.ts'
import { choose, list } from '../support/arguments.ts'
import { type Line, parseLine } from '../support/line.ts'
import { PROTOCOLS, type Protocol } from './stage.ts'
import { SUBJECTS, type SubjectName } from './subject.ts'

/** In the order of the tables; values and texts are those of the reader benchmark. */
export const SCENARIO_NAMES = ['open', 'neighbours', 'scattered', 'join', 'scan'] as const
export type ScenarioName = (typeof SCENARIO_NAMES)[number]

/** How much of everything; all of it can be changed on the command line. */
export interface Options {
  readonly sizes: readonly Size[]
  readonly lines: readonly Line[]
  readonly protocols: readonly Protocol[]
  readonly subjects: readonly SubjectName[]
  readonly only: readonly ScenarioName[]
  readonly rounds: number
  /** What takes longer is ended, and stands as "> N s". */
  readonly timeoutSeconds: number
  /** Age of the snapshot; undefined: as the preset has it. */
  readonly hours: number | undefined
  /** Log every request of every cell. */
  readonly trace: boolean
}

const USAGE = `node bench/browser/main.ts [options]
  --sizes LIST          of ${SIZES.join(',')}, default 200MB
  --lines LIST          RTT in ms / Mbit/s, default 30/100
  --protocols LIST      of ${PROTOCOLS.join(',')}
  --subjects LIST       of ${SUBJECTS.join(',')}
  --only LIST           of ${SCENARIO_NAMES.join(',')}; opening is always measured
  --rounds N            default 3
  --timeout SECONDS     of one query, default 150
  --hours N             whole hours since the snapshot, default 7
  --trace               log every request: begun, first byte, end, round, connection, range`

export function parseOptions(args: readonly string[]): Options {
  const text = (value: string) => ({ type: 'string', default: value }) as const
  const flag = { type: 'boolean', default: false } as const
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: flag,
      trace: flag,
      sizes: text('200MB'),
      lines: text('30/100'),
      protocols: text(PROTOCOLS.join(',')),
      subjects: text(SUBJECTS.join(',')),
      only: text(SCENARIO_NAMES.join(',')),
      rounds: text('3'),
      timeout: text('150'),
      hours: { type: 'string' },
    },
  })
  if (values.help) {
    console.log(USAGE)
    process.exit(0)
  }
  return {
    sizes: choose(values.sizes, SIZES),
    lines: list(values.lines).map(parseLine),
    protocols: choose(values.protocols, PROTOCOLS),
    subjects: choose(values.subjects, SUBJECTS),
    only: choose(values.only, SCENARIO_NAMES),
    rounds: Number(values.rounds),
    timeoutSeconds: Number(values.timeout),
    hours: values.hours === undefined ? undefined : Number(values.hours),
    trace: values.trace,
  }
}
