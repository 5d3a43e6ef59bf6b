import type { Aim } from '../support/aim.ts'
import type { Line } from '../support/line.ts'
import { median } from '../support/statistics.ts'
import type { Sample } from './measure.ts'
import type { ScenarioName } from './options.ts'
import type { Protocol } from './stage.ts'
import { PEERS, type SubjectName } from './subject.ts'

/** Everything measured at one bucket behind one line. */
export interface Results {
  readonly size: string
  readonly line: Line
  readonly protocol: Protocol
  /** What the line really gave to one large GET, in Mbit/s. */
  readonly lineMbit: number
  readonly samples: Sample[]
  /** What went wrong, in words. */
  readonly failures: string[]
}

/** Most that litetap may take, as a share of the better peer's time. */
const MOST: Readonly<Record<ScenarioName, number>> = {
  open: 1.5,
  neighbours: 1 / 2,
  scattered: 1 / 10,
  join: 1 / 10,
  scan: 1 / 10,
}

/** One cell of the tables. */
export interface Cell {
  readonly samples: readonly Sample[]
  readonly ms: number
  /** The time is the limit, and the real one is longer. */
  readonly timedOut: boolean
}

export function cellOf({ samples }: Results, subject: SubjectName, scenario: string): Cell {
  const those = samples.filter((sample) => sample.subject === subject && sample.scenario === scenario)
  return { samples: those, ms: median(those.map(({ ms }) => ms)), timedOut: those.some(({ timedOut }) => timedOut) }
}

/** The peer that was quickest at a scenario; undefined where none was measured. */
export function betterPeer(results: Results, scenario: string): Cell | undefined {
  const cells = PEERS.map((peer) => cellOf(results, peer, scenario)).filter(({ samples }) => samples.length > 0)
  return cells.toSorted((a, b) => a.ms - b.ms)[0]
}

/** litetap's time as a share of the better peer's; beside one that timed out the real share is smaller still. */
export function judge(results: Results, scenario: string): Aim | undefined {
  const peer = betterPeer(results, scenario)
  const own = cellOf(results, 'litetap', scenario)
  if (peer === undefined || own.samples.length === 0) return undefined
  return { what: scenario, value: own.ms / peer.ms, unit: '', most: MOST[scenario as ScenarioName] }
}
