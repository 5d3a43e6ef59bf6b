import { open } from 'node:fs/promises'
import { decodeHeader, formatTXID, HEADER_SIZE, LtxError, lockPgno, type TXID } from '../ltx/index.ts'
import { listLevels, type RestoreTarget } from '../replica/index.ts'
import type { LtxFileInfo, ReplicaClient } from '../storage/index.ts'
import { checkRestore } from './arguments.ts'
import { fileError, TEMP_SUFFIX } from './durable-file.ts'
import { isWriterError, WriterError } from './errors.ts'
import { patchPageOne } from './follow-journal.ts'
import { checkIntegrity, type IntegrityCheck } from './integrity.ts'
import { DEFAULT_PARALLELISM, SourceError } from './restore-fetch.ts'
import { type MergedHeader, mergeFiles } from './restore-merge.ts'
import { discardOutput, PageWriter, prepareOutput, publishOutput } from './restore-output.ts'
import { type PlannedRestore, planRestoreAround } from './restore-plan.ts'
import { findV3Restore } from './v3/find-v3-restore.ts'
import type { V3Plan } from './v3/plan-v3-restore.ts'
import { restoreV3 } from './v3/restore-v3.ts'

export interface RestoreProgress {
  /** Bytes downloaded so far, and in all planned files together. */
  readonly bytes: number
  readonly totalBytes: number
}

export interface RestoreOptions extends RestoreTarget {
  /** Replace a database that is there. Default false. */
  readonly force?: boolean
  /** Default `none`. */
  readonly integrityCheck?: IntegrityCheck
  /** Requests in flight. Default 8. */
  readonly parallelism?: number
  /** Plan only: nothing is written, and of the replica only one header is read. */
  readonly dryRun?: boolean
  readonly onProgress?: (progress: RestoreProgress) => void
  /** Hears what went wrong without stopping the restore. One sentence. */
  readonly onWarning?: (message: string) => void
  readonly signal?: AbortSignal
  /** Milliseconds, of any clock. Default: `performance.now`. */
  readonly now?: () => number
}

export interface RestoreResult {
  /** 0 for a state of a v0.3 backup, which knows no TXIDs. */
  readonly txid: TXID
  readonly pageSize: number
  /** Size of the database in pages. */
  readonly commit: number
  /** What it was made from, in order. */
  readonly files: readonly LtxFileInfo[]
  /** Set when it was made from a Litestream v0.3 backup instead. */
  readonly v3?: V3Plan
  /** Size of what it was made from, in bytes. */
  readonly bytes: number
  readonly durationMs: number
  readonly integrityCheck: IntegrityCheck
}

/** What following needs of a restore besides. */
export interface RestoreHooks {
  /** Patch page 1 for readers in rollback mode. */
  readonly rollbackMode?: boolean
  /** Runs when the file is complete, just before it takes its place. */
  readonly beforePublish?: (txid: TXID) => Promise<void>
}

/** Plans in all, as files vanish under a restore or listings contradict each other. */
const MAX_PLANS = 5
const MAX_PLANS_AT_GAP = 3
/** Damaged files that a restore works around. */
const MAX_DAMAGED = 16
/** Files merged at once; more are merged in turns, each over the last one's result. */
const MAX_MERGE_FILES = 256

/**
 * Restore a database from a replica: the newest state, one TXID, or the newest state before a time (facts 6).
 *
 * The output appears complete or not at all: it is built in `<output>.tmp`, checked, synced, and renamed. Every file
 * used is downloaded whole and proved by its checksum. A file that vanishes means a new plan; a damaged one is
 * avoided when other files lead to the very same state, and an error otherwise.
 *
 * Without a TXID, a Litestream v0.3 backup at the same place is restored when it is the newer one (facts 6.6).
 *
 * @throws WriterError WRITER_USAGE, WRITER_OUTPUT_EXISTS, WRITER_OUTPUT_IS_DIRECTORY, WRITER_NO_BACKUP,
 *   WRITER_TX_NOT_AVAILABLE, WRITER_GAP, WRITER_CORRUPT_REPLICA, WRITER_INTEGRITY, WRITER_DISK_FULL, WRITER_IO;
 *   StorageError; the signal's reason
 * @see litestream 63225f1 replica.go Restore
 */
export async function restore(
  client: ReplicaClient,
  output: string,
  options: RestoreOptions = {},
): Promise<RestoreResult> {
  checkRestore(client, output, options)
  const now = options.now ?? (() => performance.now())
  const started = now()
  checkUsage(options)
  const v3 = await findV3Restore(client, options)
  if (v3 === undefined) return await restoreWith(client, output, { ...options, hooks: {} })
  if (options.dryRun) throw new WriterError('WRITER_USAGE', 'Cannot only plan a v0.3 restore here: findV3Restore does')
  await prepareOutput(output, options.force ?? false)
  const files = [v3.snapshot, ...v3.segments]
  const { onBytes } = fetchOptions(files, options)
  const integrityCheck = options.integrityCheck ?? 'none'
  const made = await restoreV3(client.v3!, v3, output, { integrityCheck, onBytes, signal: options.signal })
  return { txid: 0n, ...made, files: [], v3, bytes: totalBytes(files), durationMs: now() - started, integrityCheck }
}

/** `restore` with hooks, for following. */
export async function restoreWith(
  client: ReplicaClient,
  output: string,
  options: RestoreOptions & { hooks: RestoreHooks },
): Promise<RestoreResult> {
  const now = options.now ?? (() => performance.now())
  const started = now()
  checkUsage(options)
  if (!options.dryRun) await prepareOutput(output, options.force ?? false)
  const damaged: SourceError[] = []
  for (let plans = 1; ; plans++) {
    options.signal?.throwIfAborted()
    try {
      const planned = await makePlan(client, options, damaged)
      const made = options.dryRun
        ? await readLastHeader(client, planned, options.signal)
        : await build(client, output, { ...options, planned })
      const { files, txid } = planned
      const integrityCheck = options.dryRun ? 'none' : (options.integrityCheck ?? 'none')
      return { txid, ...made, files, bytes: totalBytes(files), durationMs: now() - started, integrityCheck }
    } catch (error) {
      if (damaged.includes(error as SourceError)) throw error
      if (error instanceof SourceError) {
        if (!error.missing) plans--
        else if (plans >= MAX_PLANS) throw error
        if (!error.missing || plans > 1) damaged.push(error)
        if (damaged.length > MAX_DAMAGED) throw error
        options.onWarning?.(`${error.message}; looking for another way`)
      } else if (!isWriterError(error, 'WRITER_GAP') || plans >= MAX_PLANS_AT_GAP) throw error
      // A hole may be an artefact of listing levels while files move between them: list again.
    }
  }
}

/** What a restore would use: the plan alone. @throws as `restore` */
export async function planRestoreFiles(
  client: ReplicaClient,
  options: RestoreTarget & { signal?: AbortSignal } = {},
): Promise<PlannedRestore> {
  return await makePlan(client, options, [])
}

async function makePlan(
  client: ReplicaClient,
  options: RestoreOptions,
  damaged: readonly SourceError[],
): Promise<PlannedRestore> {
  const { txid, timestamp, signal } = options
  const useMetadata = timestamp !== undefined
  const levels = await listLevels(client, { useMetadata, ...(signal && { signal }) })
  const target = { ...(txid !== undefined && { txid }), ...(useMetadata && { timestamp }) }
  const planned = planRestoreAround(levels, target, damaged)
  if (planned.warning !== undefined) options.onWarning?.(planned.warning)
  return planned
}

async function build(
  client: ReplicaClient,
  output: string,
  options: RestoreOptions & { hooks: RestoreHooks; planned: PlannedRestore },
): Promise<MergedHeader> {
  const { planned, hooks, signal } = options
  try {
    const header = await writeImage(client, output + TEMP_SUFFIX, options)
    await checkIntegrity(output + TEMP_SUFFIX, options.integrityCheck ?? 'none', signal)
    signal?.throwIfAborted()
    await publishOutput(output, () => hooks.beforePublish?.(planned.txid))
    return header
  } catch (error) {
    await discardOutput(output)
    throw fileError(error, 'restore to', output)
  }
}

async function writeImage(
  client: ReplicaClient,
  path: string,
  options: RestoreOptions & { hooks: RestoreHooks; planned: PlannedRestore },
): Promise<MergedHeader> {
  const { files, txid } = options.planned
  const fetch = fetchOptions(files, options)
  const file = await open(path, 'w+')
  try {
    let writer: PageWriter | undefined
    let header: MergedHeader | undefined
    for (let first = 0; first < files.length; first += MAX_MERGE_FILES) {
      header = await mergeFiles(client, files.slice(first, first + MAX_MERGE_FILES), {
        ...fetch,
        open: ({ pageSize }) => {
          if (header !== undefined && header.pageSize !== pageSize) throw pageSizeChanged(header.pageSize, pageSize)
          writer ??= new PageWriter(file, pageSize)
          const pages = writer
          return (pgno, data) => pages.write(pgno, data)
        },
      })
    }
    const { pageSize, commit } = header!
    await writer!.finish(commit)
    const missing = writer!.missingPage(commit, lockPgno(pageSize))
    if (missing !== undefined) throw pageMissing(missing, txid)
    if (options.hooks.rollbackMode) {
      const page = new Uint8Array(100)
      await file.read(page, 0, page.byteLength, 0)
      patchPageOne(page, txid, commit)
      await file.write(page, 0, page.byteLength, 0)
    }
    await file.sync()
    return header!
  } finally {
    await file.close()
  }
}

function fetchOptions(
  files: readonly { readonly size: number }[],
  { parallelism, signal, onProgress }: RestoreOptions,
) {
  let bytes = 0
  const total = totalBytes(files)
  return {
    parallelism: parallelism ?? DEFAULT_PARALLELISM,
    ...(signal && { signal }),
    onBytes: (arrived: number) => {
      bytes += arrived
      onProgress?.({ bytes, totalBytes: total })
    },
  }
}

async function readLastHeader(
  client: ReplicaClient,
  { files }: PlannedRestore,
  signal: AbortSignal | undefined,
): Promise<MergedHeader> {
  const file = files.at(-1)!
  const stream = await client.open(file, { offset: 0, size: HEADER_SIZE, ...(signal && { signal }) })
  if (stream === undefined) throw new SourceError(file, 'it no longer exists', { missing: true })
  const bytes = new Uint8Array(HEADER_SIZE)
  let filled = 0
  for await (const chunk of stream) {
    bytes.set(chunk.subarray(0, HEADER_SIZE - filled), filled)
    filled += chunk.byteLength
  }
  try {
    const { pageSize, commit } = decodeHeader(bytes.subarray(0, filled))
    return { pageSize, commit }
  } catch (error) {
    throw error instanceof LtxError ? new SourceError(file, error.message, { cause: error }) : error
  }
}

/** What is wrong with a target that each for itself is right. */
function checkUsage({ txid, timestamp }: RestoreOptions): void {
  const usage = (reason: string) => new WriterError('WRITER_USAGE', `Cannot restore: ${reason}`)
  if (txid !== undefined && timestamp !== undefined) throw usage('a TXID and a timestamp exclude each other')
  if (txid !== undefined && txid < 1n) throw usage(`TXIDs begin at 1, not at ${txid}`)
}

function totalBytes(files: readonly { readonly size: number }[]): number {
  return files.reduce((sum, file) => sum + file.size, 0)
}

function pageSizeChanged(before: number, after: number): WriterError {
  return new WriterError('WRITER_CORRUPT_REPLICA', `Cannot restore: the page size changes from ${before} to ${after}`)
}

function pageMissing(pgno: number, txid: TXID): WriterError {
  return new WriterError(
    'WRITER_CORRUPT_REPLICA',
    `Cannot restore TXID ${formatTXID(txid)}: no file of the plan holds page ${pgno}`,
    { at: { pgno, txid } },
  )
}
