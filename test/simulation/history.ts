import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Encoder, lockPgno } from '../../ltx/index.ts'
import { ltxHeader } from '../support/ltx-header.ts'
import { seededRandom } from '../support/random.ts'
import { NativeState } from './native.ts'
import { type Step, schemaOf, stepOf } from './writes.ts'

/** What one database goes through. */
export interface HistoryShape {
  readonly name: string
  readonly pageSize: 512 | 1024 | 4096
  readonly autoVacuum: 'none' | 'full' | 'incremental'
  /** Of all that is written. */
  readonly seed: number
  /** In each text: two histories that differ in it alone have files of the same sizes. */
  readonly label: string
  /** How many states. */
  readonly states: number
  /** TXIDs at which the file is another one, built anew, with the schema cookie of the one before. */
  readonly rebuiltAt?: readonly number[]
  /** From this TXID on a page of table `t` points at itself. */
  readonly cyclicFrom?: number
}

/** When TXID 1 of the first beginning of a bucket was made. */
const EPOCH = Date.UTC(2026, 0, 2)
/** Milliseconds between one beginning of a bucket and the next, and between two transactions. */
const BEGINNING_MS = 10_000_000
const TRANSACTION_MS = 1000

/** When a transaction was made: ms since the Unix epoch. */
export function timeOf(beginning: number, txid: number): number {
  return EPOCH + beginning * BEGINNING_MS + txid * TRANSACTION_MS
}

/** The other way round. */
export function placeOf(time: number): { readonly beginning: number; readonly txid: number } {
  const since = time - EPOCH
  return {
    beginning: Math.floor(since / BEGINNING_MS),
    txid: (since % BEGINNING_MS) / TRANSACTION_MS,
  }
}

/** All states of one database, made once by the system's SQLite; the index is the TXID. */
export class History {
  readonly shape: HistoryShape
  readonly states: readonly NativeState[]
  readonly #images: Buffer[] = [Buffer.alloc(0)]
  /** By TXID: pages that the transaction changed. */
  readonly #changed: ReadonlySet<number>[] = [new Set()]
  readonly #encoded = new Map<string, Uint8Array>()

  /** @param dir where its states lie as files */
  constructor(shape: HistoryShape, dir: string) {
    this.shape = shape
    const path = join(dir, `${shape.name}.db`)
    const random = seededRandom(shape.seed)
    let app = openApp(path, shape)
    for (const sql of schemaOf(shape.label, random, 'first')) app.exec(sql)
    for (let txid = 1; txid <= shape.states; txid++) {
      const step: Step = shape.rebuiltAt?.includes(txid) ? 'rebuild' : stepOf(txid, shape, random)
      if (step === 'rebuild') {
        const cookie = app.prepare('PRAGMA schema_version').get()!.schema_version
        app.close()
        for (const end of ['', '-wal', '-shm']) rmSync(path + end, { force: true })
        app = openApp(path, shape)
        for (const sql of schemaOf(shape.label, random, txid % 2 === 0 ? 'second' : 'third')) app.exec(sql)
        app.exec(`PRAGMA schema_version = ${cookie}`)
      } else for (const sql of step) app.exec(sql)
      app.exec(`UPDATE meta SET v = '${shape.label} ${txid}' WHERE k = 'mark'`)
      app.exec('PRAGMA wal_checkpoint(TRUNCATE)')
      this.#add(readFileSync(path))
    }
    app.close()
    this.states = this.#images.map((image, txid) => new NativeState(image, join(dir, `${shape.name}-${txid}.db`)))
  }

  /** One file that takes the state `min - 1` to `max`. */
  encode(min: number, max: number, beginning: number): Uint8Array {
    const key = `${min}-${max} ${beginning}`
    const bytes = this.#encoded.get(key) ?? this.#encode(min, max, beginning)
    this.#encoded.set(key, bytes)
    return bytes
  }

  #add(image: Buffer): void {
    const { pageSize, cyclicFrom } = this.shape
    if (cyclicFrom !== undefined && this.#images.length >= cyclicFrom) makeCyclic(image, pageSize)
    const before = this.#images.at(-1)!
    const changed = new Set<number>()
    for (let pgno = 1; pgno <= image.length / pageSize; pgno++) {
      const [from, to] = [(pgno - 1) * pageSize, pgno * pageSize]
      if (!image.subarray(from, to).equals(before.subarray(from, to))) changed.add(pgno)
    }
    this.#images.push(image)
    this.#changed.push(changed)
  }

  #encode(min: number, max: number, beginning: number): Uint8Array {
    const { pageSize } = this.shape
    const image = this.#images[max]!
    const commit = image.length / pageSize
    const timestamp = timeOf(beginning, max)
    const encoder = new Encoder(
      ltxHeader({ pageSize, commit, minTXID: BigInt(min), maxTXID: BigInt(max), timestamp }),
      max % 3 === 0 ? { form: 'legacy' } : {},
    )
    for (let pgno = 1; pgno <= commit; pgno++) {
      if (pgno === lockPgno(pageSize)) continue
      const changed = min === 1 || this.#changed.slice(min, max + 1).some((pgnos) => pgnos.has(pgno))
      if (changed) encoder.encodePage(pgno, image.subarray((pgno - 1) * pageSize, pgno * pageSize))
    }
    encoder.finish()
    return encoder.take()
  }
}

function openApp(path: string, { pageSize, autoVacuum }: HistoryShape): DatabaseSync {
  const app = new DatabaseSync(path)
  app.enableDefensive(false) // PRAGMA schema_version is to be set
  app.exec(`PRAGMA page_size = ${pageSize}; PRAGMA auto_vacuum = ${autoVacuum}; PRAGMA journal_mode = wal`)
  app.exec('PRAGMA synchronous = off')
  return app
}

/** Let the right-most child of an interior page of table `t`, which is the largest by far, be that page. */
function makeCyclic(image: Buffer, pageSize: number): void {
  for (let pgno = image.length / pageSize; pgno > 1; pgno--) {
    const at = (pgno - 1) * pageSize
    if (image[at] !== 5) continue
    image.writeUInt32BE(pgno, at + 8)
    return
  }
  throw new Error('There is no interior page')
}
