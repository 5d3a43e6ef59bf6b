import { copyFileSync } from 'node:fs'
import type { FrameForm, TXID } from '../../ltx/index.ts'
import type { LtxFileInfo, ReplicaClient } from '../../storage/index.ts'
import { encodeChange, l0Change } from './mid-life-bucket-levels.ts'
import { Shop, type ShopShape, type ShopSums, shopSums } from './mid-life-bucket-shop.ts'
import { WalTap } from './mid-life-bucket-wal.ts'
import { seededRandom } from './random.ts'

/** To be asked of readers: which of the files they see. */
export const SEQUENCE_SQL = 'SELECT seq FROM _litestream_seq WHERE id = 1'

export interface LifeWriterOptions {
  readonly client: ReplicaClient
  /** The newest state of the replica; it is copied, not touched. */
  readonly databasePath: string
  /** Where the copy goes. */
  readonly copyPath: string
  readonly txid: TXID
  readonly shape: ShopShape
  readonly seed?: number
  readonly form?: FrameForm
}

/** Goes on where `buildMidLifeBucket` stopped: one L0 file per transaction, no compaction. */
export class LifeWriter {
  readonly #client: ReplicaClient
  readonly #form: FrameForm
  readonly #tap: WalTap
  readonly #shop: Shop
  #txid: TXID

  constructor({ client, databasePath, copyPath, txid, shape, seed = 1, form = 'block' }: LifeWriterOptions) {
    copyFileSync(databasePath, copyPath)
    this.#client = client
    this.#form = form
    this.#txid = txid
    this.#tap = new WalTap(copyPath)
    this.#shop = new Shop(this.#tap.db, shape, seededRandom(seed))
  }

  get txid(): TXID {
    return this.#txid
  }

  get sums(): ShopSums {
    return shopSums(this.#tap.db)
  }

  /** What SEQUENCE_SQL gives in the newest state: it grows by one with each file. */
  get sequence(): number {
    return Number(this.#tap.db.prepare(SEQUENCE_SQL).get()!.seq)
  }

  /** Commit a transaction and upload it. @param now becomes the file's timestamp; default: the clock's */
  async transact(now = Date.now()): Promise<LtxFileInfo> {
    this.#shop.transact(now)
    this.#shop.bumpSequence()
    const change = this.#tap.take()!
    const txid = this.#txid + 1n
    const bytes = encodeChange(l0Change(change, txid, now), { pageSize: this.#tap.pageSize, form: this.#form })
    const file = await this.#client.write({ level: 0, minTXID: txid, maxTXID: txid }, bytes)
    this.#txid = txid
    return file
  }

  close(): void {
    this.#tap.close()
  }
}
