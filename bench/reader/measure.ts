import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Metered } from '../support/http-meter.ts'
import type { Options } from './options.ts'
import type { ReaderOptions } from './readers.ts'
import type { Scenario } from './scenarios.ts'
import type { Stage } from './stage.ts'
import { type Answer, type Order, Subject, type SubjectName, TimedOut } from './subject.ts'

/**
 * How much the reader knew already: nothing; all, it has just answered the very same; what a process before it left on
 * disk.
 */
export type Pass = 'cold' | 'warm' | 'restart'

/** One scenario, asked once. */
export interface Sample extends Metered {
  readonly subject: SubjectName
  readonly scenario: string
  readonly pass: Pass
  /** Of one that timed out: the limit. */
  readonly ms: number
  readonly timedOut: boolean
  readonly rows?: number
  readonly hash?: string
  /** By the reader's own count. */
  readonly roundTrips?: number
}

/** What a measurement happens on: one bucket behind one line. */
export interface Place {
  readonly stage: Stage
  readonly replica: string
  readonly databasePath: string
  readonly scenarios: readonly Scenario[]
  readonly options: Options
}

const SETTLE_MS = 1000
const OPEN_TIMEOUT_SECONDS = 1800

/** Gets every sample as it is taken, and what went wrong. */
export interface Notebook {
  keep(sample: Sample): void
  failed(what: string): void
}

/** One subject through all scenarios; when one fails, the others are measured all the same. */
export async function measureSubject(place: Place, subject: SubjectName, into: Notebook): Promise<void> {
  const attempt = async (what: string, measure: () => Promise<void>) => {
    try {
      await measure()
    } catch (error) {
      into.failed(`${subject}, ${what}: ${(error as Error).message}`)
    }
  }
  if (subject === 'native' || subject === 'download') {
    return await attempt('all', () => measureAtOnce(place, subject, into))
  }
  for (const scenario of place.scenarios) {
    await attempt(scenario.name, () => measureFresh(place, { subject, scenario }, into))
    if (subject === 'litestream-vfs') continue
    await attempt(`${scenario.name} after a restart`, () => measureRestart(place, { subject, scenario }, into))
  }
}

/** A process of its own for the scenario: cold, then the very same again. */
async function measureFresh(
  place: Place,
  { subject, scenario }: { subject: SubjectName; scenario: Scenario },
  into: Notebook,
): Promise<void> {
  const reader = await startSubject(place, subject)
  const ask = asking(place, { subject, reader }, into.keep)
  try {
    const opened = await ask(openOrder(place), 'open', 'cold')
    const alive = opened && (scenario.name === 'open' || (await ask(queryOrder(scenario), scenario.name, 'cold')))
    if (alive) await ask(queryOrder(scenario), scenario.name, 'warm')
  } finally {
    await reader.close()
  }
}

/** A first process fills the cache on disk, a second is measured. */
async function measureRestart(
  place: Place,
  { subject, scenario }: { subject: SubjectName; scenario: Scenario },
  into: Notebook,
): Promise<void> {
  const cachePath = mkdtempSync(join(tmpdir(), 'litetap-bench-cache-'))
  try {
    const first = await startSubject(place, subject, { cachePath })
    try {
      await first.order(openOrder(place))
      await first.order(queryOrder(scenario))
    } finally {
      await first.close()
    }
    const second = await startSubject(place, subject, { cachePath })
    const ask = asking(place, { subject, reader: second }, into.keep)
    try {
      await ask(openOrder(place), 'open', 'restart')
      if (scenario.name !== 'open') await ask(queryOrder(scenario), scenario.name, 'restart')
    } finally {
      await second.close()
    }
  } finally {
    rmSync(cachePath, { recursive: true, force: true })
  }
}

/** One process for all scenarios: everything is here after opening. */
async function measureAtOnce(place: Place, subject: SubjectName, into: Notebook): Promise<void> {
  const reader = await startSubject(place, subject)
  const ask = asking(place, { subject, reader }, into.keep)
  try {
    await ask(openOrder(place), 'open', 'cold')
    for (const scenario of place.scenarios) {
      if (scenario.name !== 'open') await ask(queryOrder(scenario), scenario.name, 'cold')
      await ask(queryOrder(scenario), scenario.name, 'warm')
    }
  } finally {
    await reader.close()
  }
}

/** Give an order, and keep what it cost. @returns whether the reader is still there */
function asking(
  { stage, options }: Place,
  { subject, reader }: { subject: SubjectName; reader: Subject },
  keep: Notebook['keep'],
): (order: Order, scenario: string, pass: Pass) => Promise<boolean> {
  return async (order, scenario, pass) => {
    const limit =
      order.do === 'open' || (options.vfsScan && scenario === 'scan') ? OPEN_TIMEOUT_SECONDS : options.timeoutSeconds
    stage.meter.reset()
    let answer: Answer | undefined
    try {
      answer = await reader.order(order, limit)
    } catch (error) {
      if (!(error instanceof TimedOut)) throw error
    }
    const { rounds, maxInFlight } = stage.meter.read()
    // What it has asked for and did not need is part of the cost.
    await stage.meter.settle(SETTLE_MS)
    const { ms = limit * 1000, rows, hash, roundTrips } = answer ?? {}
    keep({
      subject,
      scenario,
      pass,
      ms,
      timedOut: answer === undefined,
      ...(rows !== undefined && { rows }),
      ...(hash !== undefined && { hash }),
      ...(roundTrips !== undefined && { roundTrips }),
      ...stage.meter.read(),
      rounds,
      maxInFlight,
    })
    return answer !== undefined
  }
}

export function openOrder({ scenarios }: Place): Order {
  return { do: 'open', first: scenarios.find(({ name }) => name === 'open')!.queries[0]! }
}

function queryOrder({ queries, together }: Scenario): Order {
  return { do: 'query', queries, together }
}

export interface StartOptions {
  readonly cachePath?: string
  /** Bring the whole database here in the background. */
  readonly hydrate?: boolean
}

/** A subject's process for this place, its code loaded. */
export function startSubject(
  { stage, replica, databasePath }: Place,
  subject: SubjectName | 'memory',
  { cachePath, hydrate = false }: StartOptions = {},
): Promise<Subject> {
  const url = stage.url(replica)
  const env: Record<string, string> = { ...stage.env }
  let options: ReaderOptions
  switch (subject) {
    case 'native':
    case 'memory':
      options = { kind: subject, databasePath }
      break
    case 'download':
      options = { kind: 'download', url }
      break
    case 'litestream-vfs':
      options = { kind: 'litestream-vfs' }
      env.LITESTREAM_REPLICA_URL = url
      env.LITESTREAM_LOG_FILE = '/dev/null'
      if (hydrate) env.LITESTREAM_HYDRATION_ENABLED = 'true'
      if (hydrate && cachePath !== undefined) env.LITESTREAM_HYDRATION_PATH = join(cachePath, 'hydrated.db')
      break
    default: {
      const bridge = subject === 'litetap-jspi' ? 'jspi' : 'asyncify'
      options = { kind: 'litetap', url, bridge, hydrate, ...(cachePath !== undefined && { cachePath }) }
    }
  }
  return Subject.start(options, env)
}
