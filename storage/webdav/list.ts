import { posix } from 'node:path'
import { parseXML } from 'webdav'
import { HEADER_SIZE } from '../../ltx/index.ts'
import { StorageError } from '../errors.ts'
import { readLimited } from '../limited-body.ts'
import { WHOLE_BODY_MS } from '../limits.ts'
import { headerTimestamp, type ListedFile, type ListedObject, levelFiles, withTimestamps } from '../listing.ts'
import { streamChunks } from '../range-body.ts'
import { FOLDER_LIMIT } from '../store-limits.ts'
import type { ListOptions, LtxFileInfo } from '../types.ts'
import type { WebdavConnection } from './connection.ts'
import { readObject } from './read.ts'
import { statusOf, type WebdavErrorContext, webdavError } from './webdav-error.ts'

/** Headers read at the same time. */
const TIMESTAMPS_AT_ONCE = 16

const WANTED =
  '<?xml version="1.0" encoding="utf-8"?><D:propfind xmlns:D="DAV:"><D:prop>' +
  '<D:resourcetype/><D:getcontentlength/><D:getlastmodified/></D:prop></D:propfind>'

/**
 * Files of one level, ascending. The server dates them by their upload, in whole seconds (facts 2.2): with `useMetadata`
 * each file's own time is read from its header.
 * @param context its path is the level's folder
 */
export async function* listLevel(
  connection: WebdavConnection,
  context: WebdavErrorContext,
  { level, seek = 0n, useMetadata, signal }: ListOptions & { readonly level: number },
): AsyncGenerator<LtxFileInfo> {
  const prefix = `${context.path}/`
  const place = { name: `${context.endpoint}${context.path}`, at: { key: context.path } }
  const timestampOf = ({ object }: ListedFile): Promise<number | undefined> =>
    headerTimestamp(() =>
      readObject(connection, { ...context, path: object.key }, { size: HEADER_SIZE, ...(signal && { signal }) }),
    )
  for await (const files of levelFiles(readFolder(connection, context), { level, prefix, seek, place })) {
    if (!useMetadata) for (const { info } of files) yield info
    else yield* await withTimestamps(files, { concurrency: TIMESTAMPS_AT_ONCE, signal, timestampOf })
  }
}

/** The files directly in a folder, ascending, as one page; none if there is no such folder. */
async function* readFolder(
  connection: WebdavConnection,
  context: WebdavErrorContext,
): AsyncGenerator<readonly ListedObject[]> {
  try {
    const headers = {
      Depth: '1',
      'Content-Type': 'application/xml; charset=utf-8',
      Accept: 'application/xml, text/xml',
    }
    const request = { method: 'PROPFIND', headers, body: Buffer.from(WANTED) }
    const folder = { ...context, path: `${context.path}/` }
    const { body } = await connection.send(request, folder)
    const about = { key: context.path, name: `${context.endpoint}${context.path}`, signal: context.signal }
    const { idleTimeoutMs } = connection.settings
    const limits = { idleTimeoutMs, totalTimeoutMs: WHOLE_BODY_MS }
    const bytes = body && (await readLimited(streamChunks(body), FOLDER_LIMIT, { ...about, ...limits }))
    const files = await parse(new TextDecoder().decode(bytes), context)
    yield files.sort((a, b) => (a.key < b.key ? -1 : 1))
  } catch (error) {
    if (statusOf(error) !== 404) throw webdavError(error, context)
  }
}

/** @throws StorageError STORAGE_BAD_REPLY */
async function parse(xml: string, { path, endpoint }: WebdavErrorContext): Promise<ListedObject[]> {
  try {
    // A limit on entities, as the parser has it, is one on the number of files where the path has an &.
    const entityDecoder = { limit: { maxTotalExpansions: 0, maxExpandedLength: 0 } }
    const parsing = { attributeNamePrefix: '@', attributeParsers: [], tagParsers: [], entityDecoder }
    const { multistatus } = await parseXML(xml, parsing)
    return multistatus.response.flatMap(({ href, propstat }) => {
      const props = propstat?.prop
      if (!props || href.endsWith('/') || (props.resourcetype as { collection?: unknown })?.collection !== undefined)
        return []
      const name = decodeURIComponent(posix.basename(href))
      const lastModified = Date.parse(props.getlastmodified ?? '')
      return [{ key: `${path}/${name}`, size: Number(props.getcontentlength ?? 0), lastModified: lastModified || 0 }]
    })
  } catch (cause) {
    const message = `Cannot list ${endpoint}${path}: the answer is not what a WebDAV listing looks like`
    throw new StorageError('STORAGE_BAD_REPLY', message, { at: { key: path, endpoint }, cause })
  }
}
