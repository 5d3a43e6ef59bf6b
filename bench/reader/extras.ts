import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { LifeWriter, SEQUENCE_SQL } from '../../test/support/mid-life-bucket-writer.ts'
import { seededRandom } from '../../test/support/random.ts'
import { compactLevel } from '../../writer/index.ts'
import type { Metered } from '../support/http-meter.ts'
import { percentile } from '../support/statistics.ts'
import type { BuiltBucket } from './bucket.ts'
import { openOrder, type Place, type StartOptions, startSubject } from './measure.ts'
import { otherPoints, type Query } from './scenarios.ts'
import type { SubjectName } from './subject.ts'

const HYDRATION_POINTS = 60
const HYDRATION_STARTS_MS = 500
const WARM_POINTS = 100
const WARM_ROUNDS = 50
const BEAT_MS = 1000
const BEATS_PER_COMPACTION = 30
const POLL_MS = 20

/** How background hydration slows point queries down. */
export interface HydrationSample {
  readonly subject: SubjectName
  /** One point query, mean: without hydration, and from its beginning on. */
  readonly quietMs: number
  readonly hydratingMs: number
  /** Received meanwhile, to see that something was under way. */
  readonly hydratingBytes: number
  readonly hydratingSeconds: number
}

export async function measureHydration(place: Place, subject: SubjectName): Promise<HydrationSample> {
  const points = otherPoints(place.databasePath, HYDRATION_POINTS)
  const quiet = await withCache((cachePath) => timePoints(place, subject, points, { cachePath }))
  const hydrating = await withCache((cachePath) => timePoints(place, subject, points, { cachePath, hydrate: true }))
  return {
    subject,
    quietMs: quiet.ms,
    hydratingMs: hydrating.ms,
    hydratingBytes: hydrating.bytes,
    hydratingSeconds: hydrating.seconds,
  }
}

async function timePoints(
  place: Place,
  subject: SubjectName,
  points: readonly Query[],
  options: StartOptions,
): Promise<{ ms: number; bytes: number; seconds: number }> {
  const reader = await startSubject(place, subject, options)
  try {
    await reader.order(openOrder(place))
    await sleep(HYDRATION_STARTS_MS)
    place.stage.meter.reset()
    const started = performance.now()
    const { times } = await reader.order({ do: 'query', queries: points, together: false })
    const seconds = (performance.now() - started) / 1000
    return {
      ms: times!.reduce((sum, ms) => sum + ms, 0) / times!.length,
      bytes: place.stage.meter.read().bytes,
      seconds,
    }
  } finally {
    await reader.close()
  }
}

async function withCache<T>(work: (path: string) => Promise<T>): Promise<T> {
  const path = mkdtempSync(join(tmpdir(), 'litetap-bench-cache-'))
  try {
    return await work(path)
  } finally {
    rmSync(path, { recursive: true, force: true })
  }
}

/** A point query whose pages are all at hand, in microseconds. `memory`: the same engine, the database in its memory. */
export interface WarmSample {
  readonly subject: SubjectName | 'memory'
  readonly microseconds: number
}

export async function measureWarm(place: Place, subject: SubjectName | 'memory'): Promise<WarmSample> {
  const queries = otherPoints(place.databasePath, WARM_POINTS)
  const reader = await startSubject(place, subject)
  try {
    await reader.order(openOrder(place))
    await reader.order({ do: 'query', queries, together: false })
    const { microseconds } = await reader.order({ do: 'repeat', queries, times: WARM_ROUNDS })
    return { subject, microseconds: microseconds! }
  } finally {
    await reader.close()
  }
}

/** A reader that is asked over and over: first while nothing is written, then while a file comes every second. */
export interface FollowingSample {
  readonly subject: SubjectName
  /** From the PUT's success to the row being seen. */
  readonly freshP50Ms: number
  readonly freshP99Ms: number
  readonly freshMaxMs: number
  readonly beats: number
  /** Seen late, because a later one was seen first. */
  readonly skipped: number
  readonly idleSeconds: number
  readonly idle: Metered
}

/** Writes to the bucket for readers that follow, one after another. */
export class Beats {
  readonly #place: Place
  readonly #writer: LifeWriter
  readonly #client: Awaited<ReturnType<Place['stage']['direct']>>
  readonly #dir = mkdtempSync(join(tmpdir(), 'litetap-bench-writer-'))
  readonly #random = seededRandom(3)
  #beats = 0

  private constructor(place: Place, bucket: BuiltBucket, client: Awaited<ReturnType<Place['stage']['direct']>>) {
    this.#place = place
    this.#client = client
    const { databasePath, txid, life } = bucket
    const copyPath = join(this.#dir, 'primary.db')
    this.#writer = new LifeWriter({ client, databasePath, copyPath, txid, shape: life.shape, seed: 9 })
  }

  static async start(place: Place, bucket: BuiltBucket): Promise<Beats> {
    return new Beats(place, bucket, await place.stage.direct(place.replica))
  }

  async measure(subject: SubjectName): Promise<FollowingSample> {
    const { stage, options } = this.#place
    const reader = await startSubject(this.#place, subject)
    const query = { sql: SEQUENCE_SQL, parameters: [] }
    try {
      await reader.order(openOrder(this.#place))
      await reader.order({ do: 'watch', query, everyMs: POLL_MS, forMs: 3000 })
      stage.meter.reset()
      await reader.order({ do: 'watch', query, everyMs: POLL_MS, forMs: options.idleSeconds * 1000 })
      const idle = stage.meter.read()
      const forMs = (options.beats * 1.5 + 10) * BEAT_MS
      const watching = reader.order({ do: 'watch', query, everyMs: POLL_MS, forMs })
      const written = await this.#write(options.beats)
      const { seen } = await watching
      return { subject, idle, idleSeconds: options.idleSeconds, ...freshness(written, seen!) }
    } finally {
      await reader.close()
    }
  }

  async stop(): Promise<void> {
    this.#writer.close()
    await this.#client.close()
    rmSync(this.#dir, { recursive: true, force: true })
  }

  /** About a file a second, not in step with anything. @returns when each was there, by its sequence number */
  async #write(beats: number): Promise<ReadonlyMap<number, bigint>> {
    const written = new Map<number, bigint>()
    for (let i = 0; i < beats; i++) {
      const started = performance.now()
      await this.#writer.transact()
      written.set(this.#writer.sequence, process.hrtime.bigint())
      this.#beats += 1
      if (this.#beats % BEATS_PER_COMPACTION === 0) await compactLevel(this.#client, 1)
      await sleep(Math.max(0, BEAT_MS * (0.6 + 0.8 * this.#random()) - (performance.now() - started)))
    }
    return written
  }
}

function freshness(
  written: ReadonlyMap<number, bigint>,
  seen: readonly (readonly [number, string])[],
): Pick<FollowingSample, 'freshP50Ms' | 'freshP99Ms' | 'freshMaxMs' | 'beats' | 'skipped'> {
  const delays: number[] = []
  let skipped = 0
  for (const [sequence, at] of written) {
    const first = seen.find(([value]) => value >= sequence)
    if (first === undefined) {
      delays.push(Number.POSITIVE_INFINITY)
      continue
    }
    if (first[0] !== sequence) skipped += 1
    delays.push(Math.max(0, Number(BigInt(first[1]) - at) / 1e6))
  }
  const [freshP50Ms, freshP99Ms] = [percentile(delays, 0.5), percentile(delays, 0.99)]
  return { freshP50Ms, freshP99Ms, freshMaxMs: Math.max(...delays), beats: written.size, skipped }
}
