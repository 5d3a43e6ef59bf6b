import { resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import {
  chainLink,
  type FrameForm,
  HEADER_FLAG_NO_CHECKSUM,
  type Header,
  newCommitName,
  type TXID,
  UNKNOWN_COMMIT,
} from '../ltx/index.ts'
import type { ByteStream, ReplicaClient } from '../storage/index.ts'
import { Attachment } from './attachment.ts'
import { agreeOnBaseline } from './baseline.ts'
import { checkpointPassive, checkpointTruncate } from './checkpoint.ts'
import { PrimaryDatabase } from './database.ts'
import { writeAll } from './durable-file.ts'
import { encodeLtx, imagePgnos, incrementalPgnos } from './encode-image.ts'
import { WriterError } from './errors.ts'
import { countCheckpoint, countSync, enterPhase, type Figures, newFigures } from './figures.ts'
import { fileState } from './file-identity.ts'
import { LocalLtx, metaPath } from './local-ltx.ts'
import { type Log, silentLog } from './log.ts'
import { Mutex } from './mutex.ts'
import { PageBuffers } from './page-reader.ts'
import { nextCheckpointMs, planCheckpoint } from './plan-checkpoint.ts'
import { planSync } from './plan-sync.ts'
import { endsAt, QuietWal } from './quiet-wal.ts'
import { type LtxPosition, recoverPosition } from './recover-position.ts'
import type { Sleep } from './retry-busy.ts'
import { ScratchMemory } from './scratch-memory.ts'
import { PRIMARY_DEFAULTS, type PrimarySettings } from './settings.ts'
import { sameSalts, WAL_HEADER_SIZE, type WalHeader, walFrameSize } from './wal.ts'
import type { WalFile } from './wal-file.ts'
import { scanWal, type WalPosition, type WalScan, walStart } from './wal-scan.ts'
import { writeKeeping } from './write-keeping.ts'

export interface PrimaryOptions {
  readonly settings?: Partial<PrimarySettings>
  /** Which page frames to write: `legacy` ones can be read by Litestream before 0.5.16 too. Default `block`. */
  readonly form?: FrameForm
  readonly log?: Log
  /** Milliseconds since the Unix epoch. */
  readonly now?: () => number
  readonly sleep?: Sleep
  /** The metadata directory, if not beside the database. */
  readonly metaPath?: string
  /** Where to count. Default: a record of its own. */
  readonly figures?: Figures
  /** Nothing else in this process opens the database: then a parked one costs no descriptor. Default false. */
  readonly ours?: boolean
}

/** What one step of copying did. */
export interface CopyResult {
  /** The file made, or undefined when nothing was new. */
  readonly txid: TXID | undefined
  /** True when more of the WAL waits. */
  readonly limited: boolean
}

/**
 * The primary: follows one live SQLite database and turns what is committed to its WAL into local L0 files.
 *
 * All operations exclude each other, but for a snapshot's streaming, which only keeps checkpoints away.
 * Uploading is not its business.
 */
export class Primary {
  readonly path: string
  readonly local: LocalLtx
  readonly settings: PrimarySettings
  readonly figures: Figures
  readonly #form: FrameForm
  readonly #log: Log
  readonly #now: () => number
  readonly #sleep: Sleep
  readonly #ours: boolean
  readonly #mutex = new Mutex()
  /** While parked. */
  #quiet: QuietWal | undefined
  /** Whoever closes this database last takes its WAL away: while parked, the reader stays. */
  #keepsReader = false
  #attached: Attachment | undefined
  #position: LtxPosition = noPosition(0n)
  #reason = 'first sync'
  #recent: { readonly txid: TXID; readonly bytes: Uint8Array } | undefined
  readonly #uploadMemory = new ScratchMemory()
  #snapshotsRunning = 0
  #checkpointState = { copiedSince: false, lastMs: 0, walBytesAtFailure: 0 }

  /** Does nothing yet: `open` does. */
  constructor(path: string, options: PrimaryOptions = {}) {
    this.path = resolve(path)
    this.local = new LocalLtx(options.metaPath ?? metaPath(this.path))
    this.settings = { ...PRIMARY_DEFAULTS, ...options.settings }
    this.figures = options.figures ?? newFigures()
    this.#ours = options.ours ?? false
    this.#form = options.form ?? 'block'
    this.#log = options.log ?? silentLog
    this.#now = options.now ?? Date.now
    this.#sleep = options.sleep ?? ((ms, signal) => delay(ms, undefined, signal ? { signal } : {}))
  }

  /** The last TXID made, 0 before the first. */
  get txid(): TXID {
    return this.#position.txid
  }

  /** Whether `open` has succeeded. */
  get isOpen(): boolean {
    return this.#attached !== undefined || this.#quiet !== undefined
  }

  get isParked(): boolean {
    return this.#quiet !== undefined
  }

  /** In ms from now: when the next checkpoint is due by time, if nothing is committed until then; may be Infinity. */
  get nextCheckpointMs(): number {
    const { copiedSince, lastMs } = this.#checkpointState
    const modifiedMs = fileState(this.path)?.mtimeMs ?? 0
    return nextCheckpointMs(
      {
        pageSize: this.#position.pageSize,
        walBytes: this.walBytes,
        copiedSinceCheckpoint: copiedSince,
        nowMs: this.#now(),
        lastCheckpointMs: Math.max(lastMs, modifiedMs),
      },
      this.settings,
    )
  }

  /** Logical bytes in the WAL, as far as copied. */
  get walBytes(): number {
    return this.#position.wal?.offset ?? 0
  }

  /** The database's `-wal` file, which changes with every commit. */
  get walPath(): string {
    return `${this.path}-wal`
  }

  /**
   * Open the database and agree with the replica on where to go on.
   * @throws WriterError; StorageError when the replica cannot be listed
   */
  open(client: ReplicaClient): Promise<void> {
    return this.#mutex.run(async () => {
      const attached = await this.#attach()
      try {
        const owner = attached.database.owner()
        await this.local.prepare(owner)
        this.#position = noPosition(await agreeOnBaseline(this.local, client, owner))
        if (this.#position.txid > 0n) await this.#recover(attached)
        this.#countFile(0)
      } catch (error) {
        this.#detach()
        throw error
      }
    })
  }

  /**
   * Copy what was committed since the last call into new L0 files, then checkpoint if that is due.
   *
   * @param options.onFile called after each file made
   * @param options.complete copy also the small commit of our own by which a checkpoint restarts the WAL, instead of
   *   leaving it to the next call, where it shares a file with other commits
   * @returns true when anything was copied
   */
  sync(options: { onFile?: (txid: TXID) => void; complete?: boolean } = {}): Promise<boolean> {
    const { onFile = () => {}, complete = false } = options
    const sync = async () => {
      await this.#followReplacement()
      const copied = await this.#copyAll(this.settings.maxSyncWalBytes, onFile)
      const mode = this.#planCheckpoint()
      if (!mode) return copied
      await this.#checkpoint(mode, onFile)
      if (complete) await this.#copyAll(0, onFile)
      return true
    }
    return this.#mutex.run(() => countSync(this.figures, sync))
  }

  /**
   * Let go of a database that is copied to its end, and whose WAL nobody writes to, until the next operation: it costs
   * no connection and no memory meanwhile. Its WAL is not pinned then, so the next operation proves anew that the WAL
   * goes on where the last file ended, as after a restart, but for the reading of that file.
   *
   * @returns what tells whether it must be looked at again; undefined, with nothing changed, when it cannot be parked now
   */
  park(): Promise<QuietWal | undefined> {
    return this.#mutex.run(async () => {
      if (this.#quiet) return this.#quiet
      const attached = this.#attached
      const end = this.#position.wal
      if (!attached?.sealed || !end || this.#snapshotsRunning > 0 || !attached.database.isInPlace()) return undefined
      const state = fileState(this.walPath)
      if (!state || !endsAt(this.walPath, end)) return undefined
      this.#quiet = new QuietWal(this.path, attached.database.identity(), end, state)
      this.#recent = undefined
      if (this.#keepsReader) attached.suspend()
      else this.#detach()
      return this.#quiet
    })
  }

  /** Checkpoint now, whatever the rules say. */
  checkpoint(mode: 'PASSIVE' | 'TRUNCATE', onFile: (txid: TXID) => void = () => {}): Promise<void> {
    return this.#mutex.run(async () => {
      await this.#followReplacement()
      await this.#checkpoint(mode, onFile)
    })
  }

  /**
   * Stream the whole database, as of its last commit, as one snapshot file `1-<txid>`.
   * Checkpoints wait until `use` has ended; syncs go on.
   */
  async snapshot<T>(use: (txid: TXID, stream: ByteStream) => Promise<T>): Promise<T> {
    const { txid, stream } = await this.#mutex.run(async () => {
      await this.#followReplacement()
      await this.#copyAll(0, () => {})
      const stream = this.#snapshotStream()
      this.#snapshotsRunning++
      return { txid: this.#position.txid, stream }
    })
    try {
      return await use(txid, stream)
    } finally {
      this.#snapshotsRunning--
    }
  }

  /** One local L0 file for uploading: bytes that are valid until the next call, or if it is large a stream. */
  async openLocal(txid: TXID): Promise<Uint8Array | ByteStream> {
    return this.#recent?.txid === txid ? this.#recent.bytes : await this.local.open(txid, this.#uploadMemory)
  }

  /** Let go of the database; nothing is copied any more. The WAL stays as it is. */
  close(): Promise<void> {
    return this.#mutex.run(async () => {
      this.#quiet = undefined
      this.#detach()
    })
  }

  async #unpark(): Promise<void> {
    const quiet = this.#quiet
    if (!quiet) return
    if (this.#attached) {
      if (this.#attached.database.isInPlace()) await this.#attached.resume()
    } else {
      const attached = await this.#attach()
      attached.resumed = true
      const { database } = attached
      // Position and checksum are as they were; whether the WAL still proves them is decided by the next step.
      if (!quiet.isSameDatabase(database.identity())) this.#position = { ...this.#position, wal: undefined }
    }
    this.#quiet = undefined
  }

  async #attach(): Promise<Attachment> {
    const { busyTimeoutMs } = this.settings
    const database = await PrimaryDatabase.open(this.path, { busyTimeoutMs, sleep: this.#sleep, ours: this.#ours })
    this.#attached = new Attachment(database)
    return this.#attached
  }

  #detach(): void {
    this.#attached?.close()
    this.#attached = undefined
  }

  /** When another file stands at the database's path, follow that one: with a full image, under the next TXID. */
  async #followReplacement(): Promise<void> {
    await this.#unpark()
    const attached = this.#attached
    if (attached?.database.isInPlace()) return
    if (attached) this.#log.warn('the database file was replaced', { db: this.path })
    this.#detach()
    const next = await this.#attach()
    if (this.#position.txid > 0n) await this.#recover(next)
  }

  /** Find the place of the newest local file in the WAL; without a local file, the next one is a full image. */
  async #recover(attached: Attachment): Promise<void> {
    this.#reason = 'the WAL does not hold the end of the last LTX file'
    const { txid } = this.#position
    this.#position = { ...this.#position, wal: undefined }
    if ((await this.local.size(txid)) === undefined) return
    const { file, header } = await this.#openWal(attached)
    const position = await recoverPosition(this.local, txid, { file, header })
    this.#checkPageSize(position.pageSize, attached)
    this.#position = position
  }

  /** The WAL with a valid header; made by a small commit when there is none. */
  async #openWal(attached: Attachment): Promise<{ file: WalFile; header: WalHeader }> {
    for (let attempt = 0; attempt < 5; attempt++) {
      const file = attached.openWal()
      const header = file?.header()
      if (file && header) {
        return { file, header }
      }
      await attached.database.bump()
    }
    throw new WriterError('WRITER_BAD_WAL', `Cannot read ${this.walPath}: its header is not valid`, {
      at: { path: this.walPath },
      hint: 'Stop the programs that use the database, run "PRAGMA wal_checkpoint(TRUNCATE)" on it, and try again.',
    })
  }

  #checkPageSize(pageSize: number, attached: Attachment): void {
    if (pageSize === attached.database.pageSize) return
    const { pageSize: actual } = attached.database
    throw new WriterError(
      'WRITER_PAGE_SIZE_CHANGED',
      `Cannot replicate ${this.path}: its page size is ${actual}, but its LTX files have pages of ${pageSize} bytes`,
      { at: { path: this.path }, hint: 'Run "litetap reset" on the database and replicate it to a new, empty path.' },
    )
  }

  async #copyAll(maxBytes: number, onFile: (txid: TXID) => void): Promise<boolean> {
    for (let copied = false; ; copied = true) {
      const { txid, limited } = await this.#copy(maxBytes)
      if (txid === undefined) return copied
      onFile(txid)
      if (!limited) return true
    }
  }

  /** One step: plan, scan, and if there is anything, write one L0 file. */
  async #copy(maxBytes: number): Promise<CopyResult> {
    const attached = this.#mustBeAttached()
    await attached.repin()
    const { file, header } = await this.#openWal(attached)
    const position = this.#position.wal
    const plan = planSync({
      position,
      sealed: attached.sealed,
      header,
      frameBefore: position && file.frameHeader(position.offset - walFrameSize(header.pageSize)),
      frameAfter: position && file.frameHeader(position.offset),
    })
    const start = plan.kind === 'incremental' ? plan.start : walStart(header)
    const scan = scanWal(file, header, start, { maxBytes: plan.kind === 'incremental' ? maxBytes : 0 })
    if (!scan.limited) attached.sealed = true
    if (plan.kind === 'incremental' && scan.commit === 0) return { txid: undefined, limited: false }
    if (plan.kind === 'image') {
      const reason = position ? plan.reason : this.#reason
      this.#log.info('writing a full image', { db: this.path, reason })
      if (attached.resumed) this.#keepsReader = true
    }
    enterPhase(this.figures, plan.kind === 'image' ? 'write_ltx_from_db' : 'write_ltx_from_wal')
    attached.resumed = false
    await this.#writeFile(attached, { kind: plan.kind, scan, start, file })
    this.#countFile(scan.end.offset - start.offset)
    return { txid: this.#position.txid, limited: scan.limited }
  }

  async #writeFile(attached: Attachment, copy: Copy): Promise<void> {
    const { database } = attached
    const { scan, start, file } = copy
    const txid = this.#position.txid + 1n
    const commit = scan.commit || database.filePages()
    const name = newCommitName()
    const header: Header = {
      ...blankHeader(database.pageSize, commit, this.#timestamp()),
      nodeID: chainLink(name, this.#position.name),
      minTXID: txid,
      maxTXID: txid,
      walOffset: start.offset,
      walSize: scan.end.offset - start.offset,
      walSalt1: start.salt1,
      walSalt2: start.salt2,
    }
    const pgnos =
      copy.kind === 'image'
        ? imagePgnos(commit, database.pageSize)
        : incrementalPgnos(scan.frames, {
            previousCommit: this.#position.commit,
            commit,
            pageSize: database.pageSize,
          })
    const buffers = attached.buffersFor(Array.isArray(pgnos) ? pgnos.length : commit)
    const pages = attached.pageReader(file, start, { frames: scan.frames, buffers }).pages(pgnos)
    const bytes = await this.local.write(txid, database.owner(), (handle) =>
      writeKeeping(encodeLtx(header, pages, this.#form), (chunk) => writeAll(handle, chunk)),
    )
    this.#recent = bytes && { txid, bytes }
    this.#position = { txid, pageSize: database.pageSize, commit, timestamp: header.timestamp, name, wal: scan.end }
    this.#checkpointState.copiedSince = true
  }

  #countFile(walBytes: number): void {
    this.figures.totalWalBytes += walBytes
    this.figures.walBytes = this.walBytes
    this.figures.databaseBytes = this.#position.commit * this.#position.pageSize
  }

  /** Never earlier than the last file's: restores by time depend on the order. */
  #timestamp(): number {
    return Math.max(this.#now(), this.#position.timestamp)
  }

  /** Prepared at once, while the caller holds the mutex; read later. */
  #snapshotStream(): ByteStream {
    const attached = this.#mustBeAttached()
    const { database } = attached
    const file = attached.openWal()!
    const walHeader = file.header()!
    const end = this.#position.wal
    const current = end !== undefined && sameSalts(walHeader, end)
    // A WAL that restarted behind our last file has nothing committed in it, and all before is in the database file.
    const scan: WalScan = scanWal(file, walHeader, walStart(walHeader), {
      endOffset: current ? end.offset : WAL_HEADER_SIZE,
    })
    const commit = scan.commit || database.filePages()
    const lastFrame = Math.max(scan.end.offset - walFrameSize(database.pageSize), WAL_HEADER_SIZE)
    const header: Header = {
      ...blankHeader(database.pageSize, commit, this.#timestamp()),
      nodeID: chainLink(this.#position.name, UNKNOWN_COMMIT),
      minTXID: 1n,
      maxTXID: this.#position.txid,
      walOffset: lastFrame,
      walSize: scan.end.offset - lastFrame,
      walSalt1: walHeader.salt1,
      walSalt2: walHeader.salt2,
    }
    const pages = attached
      .pageReader(file, walHeader, { frames: scan.frames, buffers: new PageBuffers(database.pageSize, commit) })
      .pages(imagePgnos(commit, database.pageSize))
    return encodeLtx(header, pages, this.#form)
  }

  #planCheckpoint(): 'PASSIVE' | 'TRUNCATE' | undefined {
    const { database } = this.#mustBeAttached()
    const { copiedSince, lastMs, walBytesAtFailure } = this.#checkpointState
    return planCheckpoint(
      {
        pageSize: database.pageSize,
        walBytes: this.walBytes,
        walBytesAtFailure,
        copiedSinceCheckpoint: copiedSince,
        nowMs: this.#now(),
        lastCheckpointMs: Math.max(lastMs, database.modifiedMs()),
      },
      this.settings,
    )
  }

  async #checkpoint(mode: 'PASSIVE' | 'TRUNCATE', onFile: (txid: TXID) => void): Promise<void> {
    if (this.#snapshotsRunning > 0) return
    await countCheckpoint(this.figures, mode, () => this.#checkpointNow(mode, onFile))
  }

  async #checkpointNow(mode: 'PASSIVE' | 'TRUNCATE', onFile: (txid: TXID) => void): Promise<void> {
    const attached = this.#mustBeAttached()
    const { database } = attached
    enterPhase(this.figures, 'checkpoint_exec')
    const before = (await this.#openWal(attached)).header
    const copy = () => this.#copyAll(0, onFile).then(() => {})
    const restarted = async () => !sameSalts((await this.#openWal(attached)).header, before)
    await checkpointPassive(database, copy)
    let done = await restarted()
    if (!done && mode === 'TRUNCATE') {
      attached.sealed = false
      await checkpointTruncate(database, { busyTimeoutMs: this.settings.busyTimeoutMs, sleep: this.#sleep })
      done = await restarted()
    }
    this.#checkpointState = {
      copiedSince: false,
      lastMs: this.#now(),
      walBytesAtFailure: done ? 0 : this.walBytes,
    }
    this.#log.debug('checkpoint', { db: this.path, mode, restarted: done })
  }

  #mustBeAttached(): Attachment {
    if (!this.#attached) throw new TypeError('The primary is not open')
    return this.#attached
  }
}

function noPosition(txid: TXID): LtxPosition {
  return { txid, pageSize: 0, commit: 0, timestamp: 0, name: UNKNOWN_COMMIT, wal: undefined }
}

/** What goes into one L0 file. */
interface Copy {
  readonly kind: 'incremental' | 'image'
  readonly start: WalPosition
  readonly scan: WalScan
  readonly file: WalFile
}

function blankHeader(pageSize: number, commit: number, timestamp: number) {
  return { flags: HEADER_FLAG_NO_CHECKSUM, pageSize, commit, timestamp, preApplyChecksum: 0n, nodeID: 0n }
}
