import type { Aim } from '../support/aim.ts'
import type { Line } from '../support/line.ts'
import { median } from '../support/statistics.ts'
import type { FollowingSample, HydrationSample, WarmSample } from './extras.ts'
import type { Pass, Sample } from './measure.ts'
import type { SubjectName } from './subject.ts'

/** Everything measured at one bucket behind one line. */
export interface Results {
  readonly size: string
  readonly line: Line
  /** What the line really gave to one large GET, in Mbit/s. */
  readonly lineMbit: number
  readonly samples: Sample[]
  readonly hydration: HydrationSample[]
  readonly warm: WarmSample[]
  readonly following: FollowingSample[]
  /** What went wrong, in words. */
  readonly failures: string[]
}

/** The samples of one cell of the tables. */
export function select(results: Results, subject: string, scenario: string, pass: Pass): readonly Sample[] {
  return results.samples.filter(
    (sample) => sample.subject === subject && sample.scenario === scenario && sample.pass === pass,
  )
}

export function medianOf(samples: readonly Sample[], of: (sample: Sample) => number): number {
  return median(samples.map(of))
}

const FAST_LINE_RTT_MS = 10
const CHECK_INTERVAL_MS = 1000

/** The aims for a litetap subject that can be judged from what was measured. */
export function judge(results: Results, subject: SubjectName): readonly Aim[] {
  const slow = results.line.rttMs > FAST_LINE_RTT_MS
  return [
    ...(slow ? slowLineAims(results, subject) : fastLineAims(results, subject)),
    ...scanAims(results, subject),
    ...extraAims(results, subject),
  ].filter(({ value }) => !Number.isNaN(value))
}

function slowLineAims(results: Results, subject: SubjectName): Aim[] {
  const cold = (scenario: string, of: (sample: Sample) => number) =>
    medianOf(select(results, subject, scenario, 'cold'), of)
  const aims: Aim[] = [
    { what: 'open: rounds', unit: '', value: cold('open', ({ rounds }) => rounds), most: 6 },
    { what: 'open: received', unit: 'KB', value: cold('open', ({ bytes }) => bytes / 1000), most: 400 },
    { what: 'neighbours: rounds', unit: '', value: cold('neighbours', ({ rounds }) => rounds), most: 6 },
    // The first few find the inner pages.
    {
      what: 'points in turn: rounds each',
      unit: '',
      value: cold('points', ({ rounds }) => rounds - 5) / 100,
      most: 1.1,
    },
  ]
  const shares = { open: 12, scattered: 20, join: 20, fts: 5, 'points-together': 8 }
  for (const [scenario, share] of Object.entries(shares)) {
    const ratio = timeRatio(results, { subject, to: 'litestream-vfs', scenario })
    aims.push({ what: `${scenario}: share of litestream-vfs's time`, unit: '', value: ratio, most: 1 / share })
  }
  return aims
}

/** Opening and asking, beside downloading everything and asking. */
function fastLineAims(results: Results, subject: SubjectName): Aim[] {
  const scenarios = new Set(results.samples.map(({ scenario }) => scenario))
  return [...scenarios].map((scenario) => {
    const value = withOpening(results, subject, scenario) / withOpening(results, 'download', scenario)
    return { what: `${scenario}, opening included: share of downloading everything`, unit: '', value, most: 1 }
  })
}

function scanAims(results: Results, subject: SubjectName): Aim[] {
  const rate = medianOf(select(results, subject, 'scan', 'cold'), ({ bytes, ms }) => (bytes * 8) / 1000 / ms)
  return [{ what: 'scan: share of the link', unit: '', value: rate / results.line.mbit, least: 0.7 }]
}

function extraAims({ hydration, warm, following, line }: Results, subject: SubjectName): Aim[] {
  const aims: Aim[] = []
  for (const sample of hydration.filter((one) => one.subject === subject)) {
    const value = sample.hydratingMs / sample.quietMs
    aims.push({ what: 'point while hydrating: times its usual time', unit: '', value, most: 1.1 })
  }
  const microseconds = (name: string) =>
    median(warm.filter((one) => one.subject === name).map((one) => one.microseconds))
  const value = microseconds(subject) / microseconds('memory')
  aims.push({ what: 'warm point: times the engine in memory', unit: '', value, most: 1.1 })
  for (const { freshP50Ms, idle, idleSeconds } of following.filter((one) => one.subject === subject)) {
    const most = CHECK_INTERVAL_MS + 2 * line.rttMs
    const checks = (idleSeconds * 1000) / CHECK_INTERVAL_MS
    aims.push(
      { what: 'following: freshness p50', unit: 'ms', value: freshP50Ms, most },
      { what: 'idle: requests per second', unit: '', value: idle.requests / checks, most: 1 },
      { what: 'idle: received per second', unit: 'KB', value: idle.bytes / 1000 / checks, most: 2 },
      { what: 'idle: LISTs per minute', unit: '', value: (idle.list / idleSeconds) * 60, most: 1 },
    )
  }
  return aims
}

/** Both cold, in seconds. Beside one that timed out the real ratio is lower still. */
export function timeRatio(
  results: Results,
  { subject, to, scenario }: { subject: string; to: string; scenario: string },
): number {
  const time = (name: string) => medianOf(select(results, name, scenario, 'cold'), ({ ms }) => ms)
  return time(subject) / time(to)
}

/** Milliseconds from having nothing to having the answer. */
export function withOpening(results: Results, subject: string, scenario: string): number {
  const opening = medianOf(select(results, subject, 'open', 'cold'), ({ ms }) => ms)
  if (scenario === 'open') return opening
  return opening + medianOf(select(results, subject, scenario, 'cold'), ({ ms }) => ms)
}
