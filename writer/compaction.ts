import { compact, type FrameForm, LtxReader, type TXID } from '../ltx/index.ts'
import { fileKey, highestTXID, listLevel, lowestTXID, type TxidGap } from '../replica/index.ts'
import type { ByteStream, LtxFileInfo, LtxFileName, ReplicaClient } from '../storage/index.ts'
import { type CompactionPlan, checkLevel, type LevelFault, planCompaction } from './plan-compaction.ts'
import { PartFetcher } from './restore-fetch.ts'
import { checkHeaders, openReaders, sourceError } from './restore-merge.ts'

export interface CompactionOptions {
  /**
   * Highest TXID in the destination level, where the caller knows it: saves a listing. Only this process may write
   * to that level then.
   */
  readonly reached?: TXID
  /** A copy of an L0 file that is at hand, instead of downloading it; undefined when there is none. */
  readonly openLocal?: (file: LtxFileName) => Promise<ByteStream | undefined>
  /** Frames of the output. Default `block`. */
  readonly form?: FrameForm
  /** List the destination afterwards and check that its files join (`verify-compaction`). Default false. */
  readonly verify?: boolean
  /** Most files merged into one. Default 1024; `more` tells that others are left. */
  readonly maxFiles?: number
  readonly parallelism?: number
  readonly signal?: AbortSignal
}

export interface CompactionResult {
  /** The file written; undefined when there was nothing to compact. */
  readonly written?: LtxFileInfo
  /** What it was made from. */
  readonly sources: readonly LtxFileInfo[]
  /**
   * A hole in the source level, which compaction stopped at or stepped over. States behind it cannot be restored
   * until there is a snapshot from behind it: make one.
   */
  readonly gap?: TxidGap
  /** True when `maxFiles` left something over: call again at once. */
  readonly more: boolean
  /** With `verify`: what is wrong in the destination level. */
  readonly faults?: readonly LevelFault[]
}

const MAX_COMPACT_FILES = 1024
/** All inputs are read side by side, so that this is what a compaction may hold of them. */
const MEMORY_BYTES = 16 * 1024 * 1024
const SMALL_BYTES = 256 * 1024

/**
 * Merge everything that `level - 1` has and `level` has not into one file of `level` (facts 5.4). Streams: memory is
 * bounded by the number of inputs, not by their size.
 *
 * The file appears only when every input has been read to its end and proved.
 *
 * @param level 1 to 8
 * @throws SourceError (WRITER_CORRUPT_REPLICA) for a damaged or vanished input; StorageError; the signal's reason
 * @see litestream 63225f1 compactor.go Compact
 */
export async function compactLevel(
  client: ReplicaClient,
  level: number,
  options: CompactionOptions = {},
): Promise<CompactionResult> {
  const plan = await makePlan(client, level, options)
  const gap = plan.gap === undefined ? {} : { gap: plan.gap }
  if (plan.files.length === 0) return { sources: [], more: false, ...gap }
  const written = await writeMerged(client, level, { ...options, files: plan.files })
  const faults = options.verify ? { faults: checkLevel(await listLevel(client, level, signalOf(options))) } : {}
  const more = plan.files.length >= (options.maxFiles ?? MAX_COMPACT_FILES)
  return { written, sources: plan.files, more, ...gap, ...faults }
}

async function makePlan(client: ReplicaClient, level: number, options: CompactionOptions): Promise<CompactionPlan> {
  const maxFiles = options.maxFiles ?? MAX_COMPACT_FILES
  const reached = options.reached ?? highestTXID(await listLevel(client, level, signalOf(options)))
  const list = { seek: reached + 1n, ...signalOf(options) }
  const plan = planCompaction({ reached, sources: await listLevel(client, level - 1, list), maxFiles })
  if (plan.gap === undefined) return plan
  // Look again before believing in a hole: at all files, for one may straddle the seek, and at lower levels.
  const [sources, ...bridges] = await Promise.all(
    Array.from({ length: level }, (_, i) => listLevel(client, level - 1 - i, signalOf(options))),
  )
  return planCompaction({ reached, sources: sources!.filter((file) => file.maxTXID > reached), bridges, maxFiles })
}

async function writeMerged(
  client: ReplicaClient,
  level: number,
  options: CompactionOptions & { files: readonly LtxFileInfo[] },
): Promise<LtxFileInfo> {
  const { files, form, signal } = options
  const name = {
    level,
    minTXID: lowestTXID(files),
    maxTXID: highestTXID(files),
  }
  const local = await openLocals(options)
  const remote = files.filter((file) => !local.has(file))
  const fetcher = new PartFetcher(client, remote, {
    memoryBytes: MEMORY_BYTES,
    ...(options.parallelism !== undefined && { parallelism: options.parallelism }),
    ...(signal && { signal }),
  })
  // What goes wrong with the inputs reaches us through the client, in whatever shape it gives it.
  let failure: { error: unknown } | undefined
  async function* body(readers: readonly LtxReader[]): ByteStream {
    try {
      yield* compact(readers, form ? { form } : {})
    } catch (error) {
      failure = { error }
      throw error
    }
  }
  try {
    const downloads = openReaders(fetcher)
    const readers = files.map((file) => local.get(file) ?? downloads[remote.indexOf(file)]!)
    await checkHeaders(files, readers).catch((error) => {
      failure = { error }
      throw error
    })
    return await client.write(name, body(readers), signal ? { signal } : {})
  } catch (error) {
    signal?.throwIfAborted()
    if (failure === undefined) throw error
    if (local.size === 0) throw sourceError(failure.error, files)
    // A damaged local copy is no reason to stop: the replica has the file as well.
  } finally {
    fetcher.close()
    for (const reader of local.values()) await reader.cancel()
  }
  return await writeMerged(client, level, { ...options, openLocal: async () => undefined })
}

/** Local copies as readers. Small ones are read whole, so that no more than a few descriptors are open at once. */
async function openLocals({
  files,
  openLocal,
}: CompactionOptions & { files: readonly LtxFileInfo[] }): Promise<Map<LtxFileInfo, LtxReader>> {
  const readers = new Map<LtxFileInfo, LtxReader>()
  let held = 0
  for (const file of openLocal === undefined ? [] : files) {
    const stream = file.level === 0 ? await openLocal!(file) : undefined
    if (stream === undefined) continue
    const whole = file.size <= SMALL_BYTES && held + file.size <= MEMORY_BYTES
    if (whole) held += file.size
    const source = whole ? await collect(stream) : stream
    if (source !== undefined) readers.set(file, new LtxReader(source, { key: fileKey(file) }))
  }
  return readers
}

/** All of a stream, to be read again without waiting; undefined when it cannot be read. */
async function collect(stream: ByteStream): Promise<ByteStream | undefined> {
  const chunks: Uint8Array[] = []
  try {
    for await (const chunk of stream) chunks.push(chunk.slice())
  } catch {
    return undefined // the replica has the file as well
  }
  return (async function* () {
    yield* chunks
  })()
}

function signalOf({ signal }: CompactionOptions): { signal?: AbortSignal } {
  return signal === undefined ? {} : { signal }
}
