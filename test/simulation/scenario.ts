import { PageCache } from '../../pagecache/index.ts'
import { BRIDGES } from '../vfs/scene.ts'
import { History, type HistoryShape } from './history.ts'
import type { Flavour, Hostility } from './hostile-store.ts'
import { KeptPages } from './kept-pages.ts'
import type { ReaderShape } from './reader-model.ts'
import type { VirtualTime } from './virtual-time.ts'

const SHAPES: readonly HistoryShape[] = [
  { name: 'small', pageSize: 512, autoVacuum: 'incremental', seed: 1, label: 'QX', states: 26 },
  { name: 'small-twin', pageSize: 512, autoVacuum: 'incremental', seed: 1, label: 'ZJ', states: 26 },
  { name: 'rebuilt', pageSize: 1024, autoVacuum: 'full', seed: 2, label: 'QX', states: 24, rebuiltAt: [5, 11, 12, 18] },
  { name: 'plain', pageSize: 1024, autoVacuum: 'none', seed: 3, label: 'QX', states: 26 },
  { name: 'plain-twin', pageSize: 1024, autoVacuum: 'none', seed: 3, label: 'ZJ', states: 26 },
  {
    name: 'rebuilt-often',
    pageSize: 4096,
    autoVacuum: 'none',
    seed: 4,
    label: 'QX',
    states: 20,
    rebuiltAt: [3, 6, 9, 13, 16],
  },
  { name: 'large-pages', pageSize: 4096, autoVacuum: 'incremental', seed: 5, label: 'QX', states: 20 },
  { name: 'cyclic', pageSize: 512, autoVacuum: 'none', seed: 6, label: 'QX', states: 16, cyclicFrom: 7 },
]

/** All histories, made once. @param dir where their states lie as files */
export function makeHistories(dir: string): History[] {
  return SHAPES.map((shape) => new History(shape, dir))
}

/** Two databases whose files have the same sizes: a reader cannot tell them apart while it reads pages of them. */
export function areTwins(a: History, b: History): boolean {
  return a.shape.seed === b.shape.seed
}

/** In one line. */
export function describeScenario({ history, next, readers, hostility }: Scenario): string {
  const shapes = readers.map(({ name, bridge, poolSize, flavour, cache, kept, follow, retries, checkIntervalMs }) => {
    const traits = [kept && 'kept pages', follow && 'follows', retries && 'retries'].filter(Boolean).join(', ')
    return `${name} (${bridge}, pool of ${poolSize}, ${flavour}, ${cache.maxBytes} bytes, ${checkIntervalMs} ms, ${traits})`
  })
  const names = [history, ...next].map(({ shape }) => shape.name).join(', then ')
  return `${names}; ${shapes.join(', ')}; ${JSON.stringify(hostility)}`
}

/** How one run goes. */
export interface Scenario {
  readonly history: History
  /** With what the bucket is begun anew, if it is. */
  readonly next: readonly History[]
  readonly readers: readonly ReaderShape[]
  readonly hostility: Hostility
  readonly rounds: number
}

export function drawScenario(histories: readonly History[], time: VirtualTime, random: () => number): Scenario {
  const one = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)]!
  const history = one(histories)
  const next = random() < 0.45 ? [drawNext(histories, history, random)] : []
  if (next.length > 0 && random() < 0.3) next.push(drawNext(histories, next[0]!, random))
  const bytes = (): number => history.shape.pageSize * one([4, 12, 2000])
  const shared = random() < 0.3 ? new PageCache({ maxBytes: bytes() }) : undefined
  const readers = Array.from({ length: one([1, 2, 2, 3]) }, (_, i): ReaderShape => {
    const follows = random() < 0.2
    return {
      name: `reader ${i}`,
      bridge: one(BRIDGES),
      poolSize: one([1, 1, 1, 2, 4]),
      knowsCallers: random() < 0.5,
      flavour: one<Flavour>(['plain', 'plain', 'plain', 'catalog', 'watched']),
      cache: shared ?? new PageCache({ maxBytes: bytes() }),
      kept: random() < 0.35 ? new KeptPages(time, random) : undefined,
      follow: follows,
      retries: random() < 0.25,
      checkIntervalMs: follows ? 500 : one([0, 0, 30, 1000]),
      listIntervalMs: one([5, 200, 10_000]),
      proofIntervalMs: one([0, 1000]),
      maxInFlight: one([2, 96]),
      sqliteCacheBytes: one([undefined, 8 * history.shape.pageSize]),
    }
  })
  const often = one([0, 1, 1, 2])
  const hostility = {
    fails: 0.02 * often,
    loses: 0.004 * often,
    truncates: 0.015 * often,
    stale: 0.05 * often,
    hides: 0.01 * often,
    deaf: 0.1,
  }
  return { history, next, readers, hostility, rounds: 3 + Math.floor(random() * 4) }
}

function drawNext(histories: readonly History[], before: History, random: () => number): History {
  const twin = histories.find((other) => other !== before && areTwins(other, before))
  if (twin && random() < 0.5) return twin
  return random() < 0.2 ? before : histories[Math.floor(random() * histories.length)]!
}
