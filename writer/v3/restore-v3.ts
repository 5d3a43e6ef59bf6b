import { type FileHandle, open, rm } from 'node:fs/promises'
import { decodeLz4Frame, isValidPageSize, LtxError } from '../../ltx/index.ts'
import type { V3FileInfo, V3Store } from '../../storage/index.ts'
import { fileError, TEMP_SUFFIX, writeAll } from '../durable-file.ts'
import { WriterError } from '../errors.ts'
import { checkIntegrity, type IntegrityCheck } from '../integrity.ts'
import { discardOutput, publishOutput } from '../restore-output.ts'
import { applyWal, storedPageSize } from './apply-wal.ts'
import { gap, hex8, type V3Plan } from './plan-v3-restore.ts'

export interface V3RestoreOptions {
  readonly integrityCheck: IntegrityCheck
  readonly signal?: AbortSignal | undefined
  /** Compressed bytes as they arrive. */
  readonly onBytes: (bytes: number) => void
}

const MAGIC = 'SQLite format 3\0'

/**
 * Restore from a v0.3 backup to a path that has been prepared. The output appears complete or not at all: it is built
 * in `<output>.tmp`, with one WAL at a time beside it.
 *
 * @returns page size in bytes and size in pages
 * @throws WriterError WRITER_CORRUPT_REPLICA for a damaged file, WRITER_GAP for one that is missing, WRITER_INTEGRITY,
 *   WRITER_DISK_FULL, WRITER_IO; StorageError; the signal's reason
 * @see facts 6.7
 */
export async function restoreV3(
  store: V3Store,
  { snapshot, segments }: V3Plan,
  output: string,
  options: V3RestoreOptions,
): Promise<{ readonly pageSize: number; readonly commit: number }> {
  const temp = output + TEMP_SUFFIX
  const walPath = `${temp}-wal`
  try {
    await download(store, [snapshot], temp, options)
    for (const wal of walsOf(segments)) {
      options.signal?.throwIfAborted()
      await download(store, wal, walPath, options)
      await applyWal(temp, walPath, nameOf(wal[0]!))
    }
    await rm(walPath, { force: true })
    const size = await finish(temp, snapshot)
    await checkIntegrity(temp, options.integrityCheck, options.signal)
    options.signal?.throwIfAborted()
    await publishOutput(output, () => undefined)
    return size
  } catch (error) {
    await discardOutput(output)
    throw fileError(error, 'restore to', output)
  }
}

/** The pieces of each WAL. */
function walsOf(segments: readonly V3FileInfo[]): V3FileInfo[][] {
  const wals = new Map<number, V3FileInfo[]>()
  for (const segment of segments) {
    const pieces = wals.get(segment.index)
    if (pieces) pieces.push(segment)
    else wals.set(segment.index, [segment])
  }
  return [...wals.values()]
}

/** Decompress files, one behind the other, to a new file; each must begin where the one before ended. */
async function download(
  store: V3Store,
  files: readonly V3FileInfo[],
  path: string,
  options: V3RestoreOptions,
): Promise<void> {
  const target = await open(path, 'w')
  try {
    let size = 0
    for (const file of files) {
      if (file.offset !== size) {
        const found = `${hex8(file.index)}/${hex8(file.offset)} follows`
        throw gap(file.generation, `WAL segment ${hex8(file.index)}/${hex8(size)} is missing: ${found}`)
      }
      size += await decompress(store, file, target, options)
    }
  } finally {
    await target.close()
  }
}

async function decompress(
  store: V3Store,
  file: V3FileInfo,
  target: FileHandle,
  { signal, onBytes }: V3RestoreOptions,
): Promise<number> {
  const source = await store.open(file, signal ? { signal } : {})
  if (source === undefined) throw gap(file.generation, `${nameOf(file)} was deleted meanwhile`)
  let size = 0
  try {
    for await (const bytes of decodeLz4Frame(counted(source, onBytes))) {
      await writeAll(target, bytes)
      size += bytes.length
    }
  } catch (error) {
    if (!(error instanceof LtxError)) throw error
    throw new WriterError('WRITER_CORRUPT_REPLICA', `Cannot read v0.3 ${nameOf(file)}: ${error.message}`, {
      at: { key: nameOf(file) },
      cause: error,
      hint: 'Restore a state from before it with a timestamp.',
    })
  }
  return size
}

async function* counted(source: AsyncIterable<Uint8Array>, onBytes: (bytes: number) => void) {
  for await (const chunk of source) {
    onBytes(chunk.length)
    yield chunk
  }
}

/** See that it is a database, and make it durable. */
async function finish(path: string, snapshot: V3FileInfo): Promise<{ pageSize: number; commit: number }> {
  const file = await open(path, 'r+')
  try {
    const magic = Buffer.alloc(MAGIC.length)
    await file.read(magic, 0, magic.length, 0)
    const [pageSize, { size }] = [await storedPageSize(file), await file.stat()]
    const whole = isValidPageSize(pageSize) && size % pageSize === 0
    if (magic.toString('latin1') !== MAGIC || !whole) {
      throw new WriterError('WRITER_CORRUPT_REPLICA', `v0.3 ${nameOf(snapshot)} is no SQLite database`, {
        at: { key: nameOf(snapshot) },
      })
    }
    await file.sync()
    return { pageSize, commit: size / pageSize }
  } finally {
    await file.close()
  }
}

function nameOf({ generation, kind, index, offset }: V3FileInfo): string {
  return kind === 'wal' ? `WAL ${generation}/${hex8(index)}/${hex8(offset)}` : `snapshot ${generation}/${hex8(index)}`
}
