import { Encoder, type FrameForm, HEADER_FLAG_NO_CHECKSUM, type Header, type TXID } from '../../ltx/index.ts'
import type { LtxFileInfo, LtxFileName, ReplicaClient } from '../../storage/index.ts'
import type { WalChange } from './mid-life-bucket-wal.ts'

/** What one file does to a database. */
export interface Change {
  readonly minTXID: TXID
  readonly maxTXID: TXID
  /** Of its last transaction, milliseconds since the Unix epoch. */
  readonly timestamp: number
  readonly commit: number
  readonly pages: Map<number, Uint8Array>
  /** Of a file as the primary writes it. */
  readonly wal?: Pick<Header, 'walOffset' | 'walSize' | 'walSalt1' | 'walSalt2'>
}

export interface EncodeOptions {
  readonly pageSize: number
  readonly form: FrameForm
}

const NO_WAL = { walOffset: 0, walSize: 0, walSalt1: 0, walSalt2: 0 }

/** The L0 file of one sync. Salts are made up from the WAL's generation, so that the same seed gives the same bytes. */
export function l0Change({ pages, commit, ...wal }: WalChange, txid: TXID, timestamp: number): Change {
  const { walOffset, walSize, generation } = wal
  const salts = { walSalt1: 0x1000 + generation, walSalt2: Math.imul(generation, 0x9e3779b1) >>> 0 }
  return { minTXID: txid, maxTXID: txid, timestamp, commit, pages, wal: { walOffset, walSize, ...salts } }
}

export function headerOf(change: Omit<Change, 'pages'>, pageSize: number): Header {
  const { minTXID, maxTXID, timestamp, commit, wal = NO_WAL } = change
  const flags = HEADER_FLAG_NO_CHECKSUM
  return { flags, pageSize, commit, minTXID, maxTXID, timestamp, preApplyChecksum: 0n, ...wal, nodeID: 0n }
}

/** A change as the bytes of an LTX file. */
export function encodeChange(change: Change, { pageSize, form }: EncodeOptions): Uint8Array {
  const encoder = new Encoder(headerOf(change, pageSize), { form })
  for (const pgno of Uint32Array.from(change.pages.keys()).sort()) encoder.encodePage(pgno, change.pages.get(pgno)!)
  encoder.finish()
  return encoder.take()
}

/**
 * The levels above L0 as compaction leaves them, without going through files: what is to become the next file of a
 * level is held as pages. (`compact` of the level below gives the same bytes: a test says so.)
 */
export class LevelWriter {
  readonly #client: ReplicaClient
  readonly #options: EncodeOptions
  /** Index: the level that has not got it yet. */
  readonly #pending: (Change | undefined)[] = []
  readonly files: LtxFileInfo[] = []
  /** Newest TXID in level 1. */
  reached: TXID = 0n

  constructor(client: ReplicaClient, options: EncodeOptions) {
    this.#client = client
    this.#options = options
  }

  /** Take in the next L0 file. */
  add(change: Change): void {
    this.#merge(1, change)
  }

  /** Compact everything that level `level - 1` has and this one has not. Lower levels first. */
  async compact(level: number): Promise<void> {
    const change = this.#pending[level]
    if (change === undefined) return
    this.#pending[level] = undefined
    await this.write(level, change)
    if (level === 1) this.reached = change.maxTXID
    this.#merge(level + 1, change)
  }

  async write(level: number, change: Change): Promise<void> {
    const name: LtxFileName = { level, minTXID: change.minTXID, maxTXID: change.maxTXID }
    this.files.push(await this.#client.write(name, encodeChange(change, this.#options)))
  }

  #merge(level: number, { wal: _, ...change }: Change): void {
    const before = this.#pending[level]
    if (before === undefined) {
      this.#pending[level] = { ...change, pages: new Map(change.pages) }
      return
    }
    for (const [pgno, data] of change.pages) before.pages.set(pgno, data)
    if (change.commit < before.commit) {
      for (const pgno of before.pages.keys()) if (pgno > change.commit) before.pages.delete(pgno)
    }
    this.#pending[level] = { ...change, minTXID: before.minTXID, pages: before.pages }
  }
}
