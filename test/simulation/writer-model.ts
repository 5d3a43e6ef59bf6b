import { formatTXID } from '../../ltx/index.ts'
import { type LtxFileInfo, type LtxFileName, MemoryReplica } from '../../storage/index.ts'
import { type History, placeOf, timeOf } from './history.ts'
import type { NativeState } from './native.ts'

/** One state of a bucket's whole life, in the order in which they came: beginnings first, then TXIDs. */
export type Rank = number

const MAX_TXID = 1000

export function rankOf(beginning: number, txid: number): Rank {
  return beginning * MAX_TXID + txid
}

export function describeRank(rank: Rank): string {
  return `TXID ${rank % MAX_TXID} of beginning ${Math.floor(rank / MAX_TXID)}`
}

/** What a writer with compaction and retention does to a bucket, each step drawn from `random`. */
export class WriterModel {
  readonly client = new MemoryReplica()
  /** Files were deleted, in the ordinary way. */
  swept = false
  /** Told of each change of the bucket. */
  onChange: (() => void) | undefined
  readonly #random: () => number
  /** What is in the bucket, and was in it before. */
  readonly #histories: History[] = []
  /** States that have been uploaded. */
  readonly #ranks: Rank[] = []
  #txid = 0
  /** By level: the last TXID that is there. */
  #levels = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0]

  constructor(history: History, random: () => number) {
    this.#random = random
    this.#histories.push(history)
  }

  /** How often the bucket was begun, less one. */
  get beginning(): number {
    return this.#histories.length - 1
  }

  get history(): History {
    return this.#histories.at(-1)!
  }

  get txid(): number {
    return this.#txid
  }

  get newest(): Rank {
    return rankOf(this.beginning, this.#txid)
  }

  /** States that were ever there, from one on. */
  ranksFrom(rank: Rank): Rank[] {
    return this.#ranks.filter((other) => other >= rank)
  }

  state(rank: Rank): NativeState {
    return this.#histories[Math.floor(rank / MAX_TXID)]!.states[rank % MAX_TXID]!
  }

  timeOf(rank: Rank): number {
    return timeOf(Math.floor(rank / MAX_TXID), rank % MAX_TXID)
  }

  /** The state that SQL says it runs on, by its TXID in hex and its time as RFC 3339; undefined when there is none. */
  find(txid: unknown, time: unknown): Rank | undefined {
    const place = placeOf(Date.parse(String(time)))
    if (formatTXID(BigInt(Math.max(0, Math.floor(place.txid) || 0))) !== txid) return undefined
    const rank = rankOf(place.beginning, place.txid)
    return this.#ranks.includes(rank) ? rank : undefined
  }

  /** One step of ordinary life. @returns what it was */
  async step(): Promise<string> {
    const choice = this.#random()
    if (choice < 0.55) return await this.commit()
    if (choice < 0.68) return await this.#compact(1)
    if (choice < 0.74) return await this.#compact(2)
    if (choice < 0.84) return await this.#snapshot()
    return await this.#sweep()
  }

  async commit(): Promise<string> {
    if (this.#txid === this.history.shape.states) return await this.#snapshot()
    this.#txid++
    this.#ranks.push(this.newest)
    return await this.#upload(0, this.#txid, this.#txid)
  }

  /** Delete everything and begin again with another database, which soon has several transactions. */
  async beginAnew(history: History, commits: number, pause: () => Promise<void>): Promise<string> {
    this.#histories.push(history)
    this.#txid = 0
    this.#levels = this.#levels.map(() => 0)
    await this.client.deleteAll()
    if (this.#random() < 0.3) await pause()
    while (this.#txid < commits) await this.commit()
    return `the bucket is begun anew with ${history.shape.name}, up to TXID ${this.#txid}`
  }

  /** What the level below has and this one has not: all of it, as Litestream does. */
  async #compact(level: number): Promise<string> {
    const from = this.#levels[level]! + 1
    const to = level === 1 ? this.#txid : this.#levels[level - 1]!
    return to < from ? 'nothing to compact' : await this.#upload(level, from, to)
  }

  async #snapshot(): Promise<string> {
    return this.#txid > this.#levels[9]! ? await this.#upload(9, 1, this.#txid) : 'no snapshot needed'
  }

  /** Old files that others cover; of each level the newest stays. */
  async #sweep(): Promise<string> {
    const doomed: LtxFileName[] = []
    for (const [level, covered] of [
      [0, this.#levels[1]!],
      [1, this.#levels[9]!],
      [2, this.#levels[9]!],
    ] as const) {
      const files = await Array.fromAsync(this.client.list(level))
      doomed.push(...files.slice(0, -1).filter(({ maxTXID }) => maxTXID <= covered))
    }
    doomed.push(...(await Array.fromAsync(this.client.list(9))).slice(0, -1))
    await this.client.delete(doomed)
    this.swept ||= doomed.length > 0
    this.onChange?.()
    return `deleted ${doomed.map(nameOf).join(', ') || 'nothing'}`
  }

  async #upload(level: number, min: number, max: number): Promise<string> {
    const name = { level, minTXID: BigInt(min), maxTXID: BigInt(max) }
    await this.client.write(name, this.history.encode(min, max, this.beginning))
    this.#levels[level] = max
    this.onChange?.()
    return `uploaded ${nameOf(name)}`
  }
}

function nameOf({ level, minTXID, maxTXID }: LtxFileName | LtxFileInfo): string {
  return `${level}/${minTXID}-${maxTXID}`
}
