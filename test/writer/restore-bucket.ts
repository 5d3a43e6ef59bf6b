import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { onTestFinished } from 'vitest'
import { Encoder, type FrameForm, lockPgno, type TXID } from '../../ltx/index.ts'
import { type LtxFileInfo, memoryReplica, type ReplicaClient } from '../../storage/index.ts'
import { ltxHeader } from '../support/ltx-header.ts'
import { tempDir } from '../support/temp-dir.ts'

/** When TXID 1 was made; every next one is a second later. */
export const EPOCH = Date.UTC(2026, 0, 2)

/** A database whose every state is known byte for byte, and a replica made from those states alone. */
export class Bucket {
  readonly client: ReplicaClient
  readonly pageSize: number
  /** Database images; the index is the TXID. */
  readonly images: Buffer[] = [Buffer.alloc(0)]
  readonly #app: DatabaseSync
  readonly #path: string
  readonly #epoch: number
  readonly #time: (txid: number) => number

  constructor(
    options: { client?: ReplicaClient; pageSize?: number; epoch?: number; time?: (txid: number) => number } = {},
  ) {
    this.#epoch = options.epoch ?? EPOCH
    this.#time = options.time ?? ((txid) => this.#epoch + (txid - 1) * 1000)
    this.client = options.client ?? memoryReplica()
    this.pageSize = options.pageSize ?? 4096
    this.#path = join(tempDir(), 'source.db')
    this.#app = new DatabaseSync(this.#path)
    onTestFinished(() => this.#app.close())
    this.#app.exec(`PRAGMA page_size = ${this.pageSize}; PRAGMA auto_vacuum = incremental; PRAGMA journal_mode = wal`)
    this.#app.exec('PRAGMA synchronous = off')
    this.#app.exec('CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)')
  }

  get txid(): TXID {
    return BigInt(this.images.length - 1)
  }

  /** Run SQL as one transaction and remember the state it leaves. */
  commit(sql: string): TXID {
    this.#app.exec(sql)
    this.#app.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    this.images.push(readFileSync(this.#path))
    return this.txid
  }

  /** Insert rows of about 400 bytes. */
  insert(count: number): TXID {
    return this.commit(
      `INSERT INTO t (v) SELECT hex(randomblob(200)) FROM (WITH RECURSIVE c(n) AS
       (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < ${count}) SELECT n FROM c)`,
    )
  }

  /** Commit and upload it as an L0 file. */
  async insertAndUpload(count: number): Promise<TXID> {
    const txid = this.insert(count)
    await this.upload(0, txid, txid)
    return txid
  }

  /** Write one file that takes the state `min - 1` to `max`. */
  async upload(level: number, min: number | bigint, max: number | bigint, form?: FrameForm): Promise<LtxFileInfo> {
    const name = { level, minTXID: BigInt(min), maxTXID: BigInt(max) }
    return await this.client.write(name, this.encode(BigInt(min), BigInt(max), form))
  }

  encode(min: TXID, max: TXID, form?: FrameForm): Uint8Array {
    const after = this.images[Number(max)]!
    const { pageSize } = this
    const commit = after.length / pageSize
    const header = ltxHeader({
      pageSize,
      commit,
      minTXID: min,
      maxTXID: max,
      timestamp: this.#time(Number(max)),
    })
    const encoder = new Encoder(header, form ? { form } : {})
    for (const pgno of this.#changed(Number(min), Number(max))) {
      encoder.encodePage(pgno, after.subarray((pgno - 1) * pageSize, pgno * pageSize))
    }
    encoder.finish()
    return encoder.take()
  }

  /** Every page that one of the transactions touched, as a WAL would have it, up to the final size. */
  #changed(min: number, max: number): number[] {
    const { pageSize, images } = this
    const page = (image: Buffer, pgno: number) => image.subarray((pgno - 1) * pageSize, pgno * pageSize)
    const commit = images[max]!.length / pageSize
    const changed: number[] = []
    for (let pgno = 1; pgno <= commit; pgno++) {
      if (pgno === lockPgno(pageSize)) continue
      const states = images.slice(min - 1, max + 1).map((image) => page(image, pgno))
      if (min === 1 || states.some((state) => !state.equals(states[0]!))) changed.push(pgno)
    }
    return changed
  }
}

/** Replace an object's bytes, as a fault in the store would. */
export async function damage(
  client: ReplicaClient,
  file: LtxFileInfo,
  change: (bytes: Uint8Array) => Uint8Array,
): Promise<void> {
  const bytes = new Uint8Array(file.size)
  let filled = 0
  for await (const chunk of (await client.open(file))!) {
    bytes.set(chunk, filled)
    filled += chunk.length
  }
  await client.write(file, change(bytes))
}

/** Turn one bit over in the middle. */
export function flipBit(bytes: Uint8Array): Uint8Array {
  bytes[bytes.length >> 1]! ^= 4
  return bytes
}
