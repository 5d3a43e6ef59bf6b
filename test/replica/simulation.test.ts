import { describe, expect, test } from 'vitest'
import { isReplicaError, Replica } from '../../replica/index.ts'
import { isStorageError, type LtxFileName, memoryReplica, type ReplicaClient } from '../../storage/index.ts'
import { HostileStorage } from '../support/hostile-storage.ts'
import { seededRandom } from '../support/random.ts'
import { Bucket } from '../writer/restore-bucket.ts'
import { readState } from './read-state.ts'

/** `LITETAP_SEEDS=5000 npx vitest run test/replica/simulation.test.ts`; one seed: `LITETAP_SEED=17`. */
const SEEDS = Number(process.env.LITETAP_SEEDS ?? 300)
const ONE = process.env.LITETAP_SEED

const STATES = 40
const ONE_LIFE = 30

/** The database's whole life, made once; each seed uploads it in its own way. */
interface History {
  readonly images: readonly Buffer[]
  encode(min: number, max: number): Uint8Array
}

function makeHistory(): History {
  const bucket = new Bucket({ pageSize: 512 })
  const random = seededRandom(4)
  for (let txid = 1; txid <= STATES; txid++) {
    const id = Math.floor(random() * 60)
    const choice = txid === 1 ? 0 : random()
    if (choice < 0.5) bucket.insert(1 + Math.floor(random() * 12))
    else if (choice < 0.7) bucket.commit(`UPDATE t SET v = hex(randomblob(200)) WHERE id % 7 = ${id % 7}`)
    else if (choice < 0.85) bucket.commit(`DELETE FROM t WHERE id % 5 = ${id % 5}`)
    else if (choice < 0.93) bucket.commit('PRAGMA incremental_vacuum(3)')
    else bucket.commit('VACUUM')
  }
  const encoded = new Map<string, Uint8Array>()
  const encode = (min: number, max: number): Uint8Array => {
    const key = `${min}-${max}`
    const bytes = encoded.get(key) ?? bucket.encode(BigInt(min), BigInt(max))
    encoded.set(key, bytes)
    return bytes
  }
  return { images: [...bucket.images], encode }
}

/** A writer, its compaction and its retention, each step drawn from `random`. */
class Life {
  readonly client = memoryReplica()
  txid = 0
  readonly #history: History
  readonly #random: () => number
  #levels = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0]

  constructor(history: History, random: () => number) {
    this.#history = history
    this.#random = random
  }

  async step(): Promise<void> {
    const choice = this.#random()
    if (choice < 0.5) await this.#commit()
    else if (choice < 0.65) await this.#compact(1)
    else if (choice < 0.75) await this.#compact(2)
    else if (choice < 0.85) await this.#snapshot()
    else await this.#sweep()
  }

  async #commit(): Promise<void> {
    if (this.txid === STATES) return
    this.txid++
    await this.#upload(0, this.txid, this.txid)
  }

  /** What the level below has and this one has not: all of it, as Litestream does. */
  async #compact(level: number): Promise<void> {
    const from = this.#levels[level]! + 1
    const to = level === 1 ? this.txid : this.#levels[level - 1]!
    if (to < from) return
    await this.#upload(level, from, to)
  }

  async #snapshot(): Promise<void> {
    if (this.txid > this.#levels[9]!) await this.#upload(9, 1, this.txid)
  }

  /** Old files that others cover; of each level the newest stays. */
  async #sweep(): Promise<void> {
    const doomed: LtxFileName[] = []
    for (const [level, covered] of [
      [0, this.#levels[1]!],
      [1, this.#levels[9]!],
      [2, this.#levels[9]!],
    ] as const) {
      const files = await Array.fromAsync(this.client.list(level))
      doomed.push(...files.slice(0, -1).filter(({ maxTXID }) => maxTXID <= covered))
    }
    doomed.push(...(await Array.fromAsync(this.client.list(9))).slice(0, -2))
    await this.client.delete(doomed)
  }

  async #upload(level: number, min: number, max: number): Promise<void> {
    const name = { level, minTXID: BigInt(min), maxTXID: BigInt(max) }
    await this.client.write(name, this.#history.encode(min, max))
    this.#levels[level] = max
  }
}

/** True for what a reader may meet on a bad network; anything else is a defect. */
function isExcused(error: unknown): boolean {
  return (
    isStorageError(error, 'STORAGE_SERVER_ERROR') ||
    isReplicaError(error, 'REPLICA_SNAPSHOT_GONE', 'REPLICA_DAMAGED', 'REPLICA_NON_CONTIGUOUS', 'REPLICA_EMPTY') ||
    isReplicaError(error, 'REPLICA_TX_NOT_AVAILABLE')
  )
}

async function excused<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    if (!isExcused(error)) throw error
    return undefined
  }
}

async function open(client: ReplicaClient, now: () => number): Promise<Replica> {
  for (;;) {
    const replica = await excused(() => Replica.open(client, { now, checkIntervalMs: 0, listIntervalMs: 5 }))
    if (replica) return replica
  }
}

describe('a reader beside a writer, over a storage that delays, reorders, fails, truncates, lists old things', () => {
  const seeds = ONE === undefined ? Array.from({ length: SEEDS }, (_, i) => i + 1) : [Number(ONE)]
  test(`sees one state after the other, each whole, and gets to the newest: ${seeds.length} seeds`, async () => {
    const history = makeHistory()
    let checked = 0
    for (const seed of seeds) {
      const random = seededRandom(seed)
      const life = new Life(history, random)
      while (life.txid === 0) await life.step()
      const storage = new HostileStorage(life.client, random, { fails: 0.05, truncates: 0.03, lists: 0.1, delay: 6 })
      let now = 0
      const replica = await open(storage, () => now)
      let seen = 0n
      const check = async (state = replica.state): Promise<void> => {
        const image = await excused(() => readState(replica, state))
        if (image === undefined) return
        checked++
        if (!image.equals(history.images[Number(state.txid)]!))
          throw new Error(`Seed ${seed}: TXID ${state.txid} is wrong`)
      }
      for (let step = 0; step < ONE_LIFE; step++) {
        now++
        const pinned = replica.state
        await Promise.all([
          life.step(),
          random() < 0.7 && excused(() => replica.refresh()),
          random() < 0.3 && check(pinned),
        ])
        expect(replica.state.txid, `seed ${seed}`).toBeGreaterThanOrEqual(seen)
        seen = replica.state.txid
        if (random() < 0.5) await check()
      }
      storage.hostility = undefined
      now += 10
      expect((await replica.refresh()).txid, `seed ${seed}`).toBe(BigInt(life.txid))
      expect((await readState(replica)).equals(history.images[life.txid]!), `seed ${seed}`).toBe(true)
      await replica.close()
    }
    expect(checked).toBeGreaterThan(seeds.length * 3)
  }, 600_000)
})
