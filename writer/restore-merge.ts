import { LtxError, LtxReader, PageMerge } from '../ltx/index.ts'
import { fileKey } from '../replica/index.ts'
import type { LtxFileInfo, ReplicaClient } from '../storage/index.ts'
import { WriterError } from './errors.ts'
import { type FetchOptions, PartFetcher, type PartSource, SourceError } from './restore-fetch.ts'

/** Takes a page: `data` is valid until it returns, or until its promise resolves. */
export type PageSink = (pgno: number, data: Uint8Array) => Promise<void> | undefined

/** What the files together are. */
export interface MergedHeader {
  readonly pageSize: number
  /** Pages, after the last file. */
  readonly commit: number
}

/**
 * The pages of several LTX files as one: ascending, each once, from the last file that has it; those beyond the
 * last file's commit are dropped (facts 1.10). Every byte of every file is downloaded and proved.
 *
 * The sink hears pages before the files' checksums are known: what it made counts only when this returns.
 *
 * @param files in order, each continuing or overlapping the one before
 * @param options.open hears what the result is, and gives the sink for it
 * @throws SourceError naming the file that is gone or damaged, WriterError WRITER_CORRUPT_REPLICA when the files do not
 *   fit together; what the client and the sink throw
 */
export async function mergeFiles(
  client: ReplicaClient,
  files: readonly LtxFileInfo[],
  options: FetchOptions & { open: (header: MergedHeader) => PageSink | Promise<PageSink> },
): Promise<MergedHeader> {
  const fetcher = new PartFetcher(client, files, options)
  try {
    const readers = openReaders(fetcher)
    await checkHeaders(files, readers)
    const merge = await PageMerge.open(readers)
    const { pageSize, commit } = merge.header
    const sink = await options.open({ pageSize, commit })
    for (let page = merge.tryNext(); page !== 'end'; page = merge.tryNext()) {
      if (page === 'more') await merge.fill()
      else {
        const sent = sink(page.pgno, page.data)
        if (sent !== undefined) await sent
      }
    }
    await merge.close()
    return { pageSize, commit }
  } catch (error) {
    throw sourceError(error, files)
  } finally {
    fetcher.close()
  }
}

/** Readers of all of a fetcher's files, whose errors name them. */
export function openReaders(fetcher: PartFetcher): LtxReader[] {
  return fetcher.sources().map((source) => new LtxReader(parts(source), { key: fileKey(source.file) }))
}

/** Check that files are what their names say, and of one page size. @throws as `mergeFiles` */
export async function checkHeaders(files: readonly LtxFileInfo[], readers: readonly LtxReader[]): Promise<void> {
  let pageSize: number | undefined
  for (const [i, reader] of readers.entries()) {
    const file = files[i]!
    const header = await reader.header()
    if (header.minTXID !== file.minTXID || header.maxTXID !== file.maxTXID) {
      throw new SourceError(file, 'its header holds other TXIDs than its name')
    }
    pageSize ??= header.pageSize
    if (header.pageSize === pageSize) continue
    throw new WriterError(
      'WRITER_CORRUPT_REPLICA',
      `Cannot merge replica file ${fileKey(file)}: its page size is ${header.pageSize}, before it was ${pageSize}`,
      { at: { key: fileKey(file) }, hint: 'The replica holds two databases; restore a TXID from before the change.' },
    )
  }
}

/** A format error as a SourceError of the file it is about; anything else as it is. */
export function sourceError(error: unknown, files: readonly LtxFileInfo[]): unknown {
  if (!(error instanceof LtxError)) return error
  const file = files.find((candidate) => fileKey(candidate) === error.at.key)
  if (file !== undefined) return new SourceError(file, error.message, { cause: error })
  const at = error.at.pgno === undefined ? {} : { pgno: error.at.pgno }
  return new WriterError('WRITER_CORRUPT_REPLICA', `Cannot merge replica files: ${error.message}`, { at, cause: error })
}

async function* parts(source: PartSource): AsyncGenerator<Uint8Array> {
  for (let part = await source.next(); part !== undefined; part = await source.next()) yield part
}
