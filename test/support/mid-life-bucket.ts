import { closeSync, copyFileSync, mkdirSync, openSync, readSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Encoder, type FrameForm, lockPgno, SNAPSHOT_LEVEL, type TXID } from '../../ltx/index.ts'
import { listLevels, planRestore } from '../../replica/index.ts'
import type { ByteStream, LtxFileInfo, ReplicaClient } from '../../storage/index.ts'
import { DEFAULT_COMPACTION_LEVELS, DEFAULT_L0_RETENTION_MS } from '../../writer/levels.ts'
import { type Change, type EncodeOptions, headerOf, LevelWriter, l0Change } from './mid-life-bucket-levels.ts'
import { Shop, type ShopShape, type ShopSums, shopSums } from './mid-life-bucket-shop.ts'
import { WalTap } from './mid-life-bucket-wal.ts'
import { seededRandom } from './random.ts'

/** What kind of life a bucket has had. */
export interface Life {
  readonly shape: ShopShape
  /** Default 1. */
  readonly seed?: number
  /** Default 4096. */
  readonly pageSize?: number
  /** Frames of all files. Default `block`. */
  readonly form?: FrameForm
  /** When the snapshot was made: UTC midnight. Default 2026-01-05. */
  readonly snapshotAt?: number
  /** How old the snapshot is at the end. */
  readonly secondsSince: number
  /** Life before the snapshot, whose compacted files are still there. Default 600. */
  readonly secondsBefore?: number
  /** While it is busy; SQL transactions of one second share an L0 file, as under Litestream. Default 1. */
  readonly transactionsPerSecond?: number
  /** It is busy only at the end, for so long. Default: all the time. */
  readonly busySeconds?: number
  /** While it is not busy: one transaction in so many seconds. Default 180. */
  readonly quietSeconds?: number
  /** TXID of the state that life begins with; nothing before it can be restored. Default 4096. */
  readonly firstTXID?: TXID
  /** Keep database images and sums of some states. Default false. */
  readonly record?: boolean
}

export interface MidLifeOptions extends Life {
  /** Where the files go: an empty replica, of any kind. */
  readonly client: ReplicaClient
  /** A folder for the database; it must outlive the test's use of `databasePath`. */
  readonly dir: string
}

/** A state that the bucket can be asked for by its TXID. */
export interface RecordedState {
  readonly txid: TXID
  readonly timestamp: number
  /** The database file, byte for byte what a restore gives. */
  readonly imagePath: string
  readonly sums: ShopSums
}

export interface MidLifeBucket {
  readonly client: ReplicaClient
  /** Everything in the bucket, by level, then TXID. */
  readonly files: readonly LtxFileInfo[]
  /** What the newest state is made from, in order. */
  readonly plan: readonly LtxFileInfo[]
  /** The newest state. */
  readonly txid: TXID
  readonly timestamp: number
  readonly pageSize: number
  readonly commit: number
  /** The newest state as a database file (WAL mode, no WAL): byte for byte what a restore gives. */
  readonly databasePath: string
  readonly sums: ShopSums
  /** With `record`: states of every level, oldest first, the newest last. Empty without. */
  readonly states: readonly RecordedState[]
}

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
/** The snapshot takes the primary's position a moment later than the compactions that begin with it: files straddle. */
const SNAPSHOT_DELAY = SECOND
const L0_RETENTION_CHECK = 15 * SECOND
/** Into the minute, when the primary checkpoints; on none of the compaction times. */
const CHECKPOINT_AT = 17 * SECOND
const RECORD_EVERY = 6 * HOUR
const STREAM_BYTES = 256 * 1024
/** The page cache while a database is made: all of it. */
const CACHE_KIB = 3 * 1024 * 1024

/**
 * Small and quick (a second or two): a snapshot almost a day old, about 75 files in the plan, 1,000 transactions, a
 * few megabytes, several hundred files in level 1. States are recorded.
 */
export function testPreset(): Life {
  return {
    shape: { customers: 300, orders: 3000, notes: 400, places: 300, payloadBytes: 260 },
    secondsSince: 24 * 3600 - 30,
    busySeconds: 360,
    record: true,
  }
}

/** For the benchmark: a snapshot some eight hours old, one transaction a second since, about 50 files in the plan. */
export function benchPreset(size: '20MB' | '200MB' | '2GB'): Life {
  const factor = { '20MB': 0.1, '200MB': 1, '2GB': 10 }[size]
  return {
    shape: {
      customers: 10_000 * factor,
      orders: 245_000 * factor,
      notes: 160_000 * factor,
      places: 40_000 * factor,
      payloadBytes: 250,
    },
    secondsSince: 7 * 3600 + 53 * 60 + 54,
  }
}

/**
 * Fill a replica as a writer with Litestream's defaults leaves it in the middle of its life: one L9 snapshot, then
 * small transactions, compacted every 30 s, 5 min and 1 h; L0 of the last five minutes, every L1 to L3 file since
 * before the snapshot. Nothing takes real time: the transactions are real, the clock is not. The same options give
 * the same bytes.
 *
 *     const bucket = await buildMidLifeBucket({ client: memoryReplica(), dir: tempDir(), ...testPreset() })
 *     bucket.plan.length                                  // about 75
 *     new DatabaseSync(bucket.databasePath, { readOnly: true })   // the newest state, for comparison
 *     for (const { txid, imagePath, sums } of bucket.states) ...  // older ones
 *
 * Ask readers for `SELECT ${SHOP_SUMS}` (mid-life-bucket-shop.ts) and compare with `sums`. Times lie in January 2026
 * unless `snapshotAt` says otherwise. To go on living: `LifeWriter` (mid-life-bucket-writer.ts).
 */
export async function buildMidLifeBucket(options: MidLifeOptions): Promise<MidLifeBucket> {
  mkdirSync(options.dir, { recursive: true })
  const life = new Living(options)
  try {
    await life.live()
    return await life.end()
  } finally {
    life.close()
  }
}

class Living {
  readonly #options: Required<Life> & MidLifeOptions
  readonly #encode: EncodeOptions
  readonly #path: string
  readonly #random: () => number
  readonly #shop: Shop
  readonly #tap: WalTap
  readonly #levels: LevelWriter
  readonly #states: RecordedState[] = []
  readonly #end: number
  #recent: Change[] = []
  #txid: TXID
  #timestamp: number
  #syncedSinceCheckpoint = false
  #closed = false

  constructor(options: MidLifeOptions) {
    this.#options = withDefaults(options)
    const { client, dir, seed, pageSize, form, shape, snapshotAt, secondsBefore, secondsSince, firstTXID } =
      this.#options
    if (snapshotAt % (24 * HOUR) !== 0) throw new Error('A snapshot is made at UTC midnight')
    this.#encode = { pageSize, form }
    this.#path = join(dir, 'database.db')
    this.#random = seededRandom(seed)
    this.#end = snapshotAt + secondsSince * SECOND
    this.#txid = firstTXID
    this.#timestamp = snapshotAt - secondsBefore * SECOND
    this.#levels = new LevelWriter(client, this.#encode)
    createDatabase(this.#path, { pageSize, shape, random: this.#random, now: this.#timestamp })
    this.#tap = new WalTap(this.#path)
    this.#shop = new Shop(this.#tap.db, shape, this.#random)
  }

  async live(): Promise<void> {
    const { snapshotAt } = this.#options
    const recordAt = this.#recordTimes()
    for (let second = this.#timestamp; second < this.#end; second += SECOND) {
      for (const { level, intervalMs } of DEFAULT_COMPACTION_LEVELS) {
        if (second % intervalMs === 0) await this.#levels.compact(level)
      }
      if (second === snapshotAt + SNAPSHOT_DELAY) await this.#snapshot()
      if (recordAt.has(second)) this.#record()
      const count = this.#transactionsIn(second)
      const now = second + 100 + Math.floor(this.#random() * 800)
      for (let i = 0; i < count; i++) this.#shop.transact(now)
      if (count > 0) this.#sync(now)
      if (second % MINUTE === CHECKPOINT_AT && this.#syncedSinceCheckpoint) this.#checkpoint(now + 8)
      if (second % MINUTE === 0) this.#forget(second)
    }
  }

  async end(): Promise<MidLifeBucket> {
    const { client, record } = this.#options
    const checked = this.#end - (this.#end % L0_RETENTION_CHECK)
    this.#forget(checked)
    for (const change of this.#recent) await this.#levels.write(0, change)
    if (record) this.#record()
    this.#tap.checkpoint()
    const { commit } = this.#tap
    const sums = shopSums(this.#tap.db)
    this.close()
    const levels = await listLevels(client)
    return {
      client,
      files: levels.flat(),
      plan: planRestore(levels),
      txid: this.#txid,
      timestamp: this.#timestamp,
      pageSize: this.#encode.pageSize,
      commit,
      databasePath: this.#path,
      sums,
      states: this.#states,
    }
  }

  close(): void {
    if (!this.#closed) this.#tap.close()
    this.#closed = true
  }

  #transactionsIn(second: number): number {
    const { transactionsPerSecond, busySeconds, quietSeconds, snapshotAt } = this.#options
    // What comes between the compactions and the snapshot makes the next files straddle it.
    if (second === snapshotAt) return 1
    if (second >= this.#end - busySeconds * SECOND) {
      const passed = second / SECOND
      return Math.floor((passed + 1) * transactionsPerSecond) - Math.floor(passed * transactionsPerSecond)
    }
    // Somewhere in each stretch of quiet, always at the same place for the same stretch.
    const stretch = Math.floor(second / SECOND / quietSeconds)
    return (second / SECOND) % quietSeconds === (Math.imul(stretch, 0x9e3779b1) >>> 8) % quietSeconds ? 1 : 0
  }

  #sync(now: number): void {
    const change = this.#tap.take()
    if (change === undefined) return
    this.#txid += 1n
    this.#timestamp = now
    const l0 = l0Change(change, this.#txid, now)
    this.#recent.push(l0)
    this.#levels.add(l0)
    this.#syncedSinceCheckpoint = true
  }

  /** Facts 3.9: the bump of the sequence table is the new WAL's first transaction, and an L0 file of its own. */
  #checkpoint(now: number): void {
    this.#tap.checkpoint()
    this.#shop.bumpSequence()
    this.#sync(now)
    this.#syncedSinceCheckpoint = false
  }

  /** L0 retention (facts 5.5), a few files late at most: the exact rule is applied at the end. */
  #forget(now: number): void {
    const before = now - DEFAULT_L0_RETENTION_MS
    const keep = this.#recent.findIndex(
      ({ timestamp, maxTXID }) => timestamp > before || maxTXID > this.#levels.reached,
    )
    // The newest file of a level stays whatever its age.
    this.#recent = this.#recent.slice(keep === -1 ? -1 : keep)
  }

  async #snapshot(): Promise<void> {
    this.#tap.checkpoint()
    const commit = this.#tap.commit
    const [minTXID, maxTXID, timestamp] = [1n, this.#txid, this.#timestamp]
    const wal = { walOffset: 32, walSize: 0, walSalt1: 0, walSalt2: 0 }
    const header = {
      minTXID,
      maxTXID,
      commit,
      wal,
      timestamp: Math.max(timestamp, this.#options.snapshotAt + SNAPSHOT_DELAY),
    }
    const stream = snapshotStream(this.#path, header, this.#encode)
    await this.#options.client.write({ level: SNAPSHOT_LEVEL, minTXID, maxTXID }, stream)
  }

  #recordTimes(): ReadonlySet<number> {
    const { record, snapshotAt } = this.#options
    const times = new Set<number>()
    if (!record) return times
    times.add(snapshotAt + SNAPSHOT_DELAY)
    for (let at = snapshotAt + RECORD_EVERY; at < this.#end; at += RECORD_EVERY) times.add(at)
    for (const { intervalMs } of DEFAULT_COMPACTION_LEVELS) times.add(this.#end - 1 - ((this.#end - 1) % intervalMs))
    times.add(this.#end - 10 * SECOND)
    return times
  }

  #record(): void {
    const imagePath = join(this.#options.dir, `state-${this.#txid}.db`)
    this.#tap.checkpoint()
    copyFileSync(this.#path, imagePath)
    const sums = shopSums(this.#tap.db)
    this.#states.push({ txid: this.#txid, timestamp: this.#timestamp, imagePath, sums })
  }
}

function withDefaults(options: MidLifeOptions): Required<Life> & MidLifeOptions {
  return {
    seed: 1,
    pageSize: 4096,
    form: 'block',
    snapshotAt: Date.UTC(2026, 0, 5),
    secondsBefore: 600,
    transactionsPerSecond: 1,
    busySeconds: Number.POSITIVE_INFINITY,
    quietSeconds: 180,
    firstTXID: 4096n,
    record: false,
    ...options,
  }
}

function createDatabase(
  path: string,
  { pageSize, shape, random, now }: { pageSize: number; shape: ShopShape; random: () => number; now: number },
): void {
  rmSync(path, { force: true })
  const db = new DatabaseSync(path)
  try {
    db.exec(`PRAGMA page_size = ${pageSize}; PRAGMA journal_mode = off; PRAGMA synchronous = off`)
    db.exec(`PRAGMA cache_size = -${CACHE_KIB}`)
    Shop.create(db, shape, { random, now })
    db.exec('PRAGMA journal_mode = wal')
  } finally {
    db.close()
  }
}

/** A level-9 file made from a database file that has no WAL, a piece at a time. */
async function* snapshotStream(path: string, header: Omit<Change, 'pages'>, options: EncodeOptions): ByteStream {
  const { pageSize, form } = options
  const encoder = new Encoder(headerOf(header, pageSize), { form })
  const page = Buffer.alloc(pageSize)
  const lock = lockPgno(pageSize)
  // Closing a descriptor drops the locks this process has on the file. Nobody else is there to notice.
  const fd = openSync(path, 'r')
  try {
    for (let pgno = 1; pgno <= header.commit; pgno++) {
      if (pgno === lock) continue
      readSync(fd, page, 0, pageSize, (pgno - 1) * pageSize)
      encoder.encodePage(pgno, page)
      if (encoder.pendingBytes >= STREAM_BYTES) yield encoder.take()
    }
  } finally {
    closeSync(fd)
  }
  encoder.finish()
  yield encoder.take()
}
