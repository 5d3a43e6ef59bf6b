import { formatFilename } from '../ltx/index.ts'
import type { LtxFileInfo, LtxFileName, ReplicaClient } from '../storage/node.ts'
import { parseRange } from './byte-range.ts'
import type { Exchange } from './exchange.ts'
import type { Feed } from './feed.ts'

export interface FileSource {
  readonly client: ReplicaClient
  readonly feed: Feed
  /** Shared caches may keep it: nobody needs a token. */
  readonly isPublic: boolean
}

/** Reply with a file or a part of it. @throws StorageError before anything was sent; afterwards it breaks off */
export async function serveFile(exchange: Exchange, name: LtxFileName, source: FileSource): Promise<void> {
  const info = await source.feed.find(name)
  if (!info) return exchange.sendText(404, 'There is no such file')
  const etag = `"${formatFilename(info.minTXID, info.maxTXID).slice(0, -4)}-${info.size}"`
  const headers = {
    'accept-ranges': 'bytes',
    'cache-control': `${source.isPublic ? 'public' : 'private'}, max-age=31536000, immutable, no-transform`,
    etag,
  }
  if (exchange.matches('if-none-match', etag)) return exchange.sendHead(304, headers)
  const asked = exchange.header('range')
  // A range is of GET only, and of the very file that If-Range names.
  const applies = !exchange.isHead && (exchange.header('if-range') === undefined || exchange.matches('if-range', etag))
  const range = parseRange(applies ? asked : undefined, info.size)
  if (range.kind === 'unsatisfiable') {
    return exchange.sendText(416, `Cannot send that range: ${range.why}`, { 'content-range': `bytes */${info.size}` })
  }
  const { start, end } = range.kind === 'part' ? range : { start: 0, end: info.size }
  const head = {
    ...headers,
    'content-type': 'application/octet-stream',
    'content-length': String(end - start),
    ...(range.kind === 'part' && { 'content-range': `bytes ${start}-${end - 1}/${info.size}` }),
  }
  if (exchange.isHead) return exchange.sendHead(200, head)
  await sendBytes(exchange, source, { info, start, end, status: range.kind === 'part' ? 206 : 200, head })
}

interface Part {
  readonly info: LtxFileInfo
  readonly start: number
  /** Exclusive. */
  readonly end: number
  readonly status: number
  readonly head: Readonly<Record<string, string>>
}

/** The head goes with the first chunk: until then the store can still say that there is no file. */
async function sendBytes(exchange: Exchange, { client, feed }: FileSource, part: Part): Promise<void> {
  const length = part.end - part.start
  const options = { offset: part.start, size: length, signal: exchange.signal }
  const stream = await client.open(part.info, options)
  if (!stream) {
    feed.vanished()
    return exchange.sendText(404, 'There is no such file')
  }
  let begun = false
  try {
    let left = length
    for await (const chunk of stream) {
      if (!begun) exchange.begin(part.status, part.head)
      begun = true
      await exchange.write(chunk.length > left ? chunk.subarray(0, left) : chunk)
      left -= Math.min(left, chunk.length)
      if (left === 0) break
    }
    if (left === 0) return void exchange.response.end()
    feed.vanished() // another file has its name now, and that one is shorter
    if (!begun) return exchange.sendText(404, 'There is no such file')
    exchange.breakOff()
  } catch (error) {
    if (!begun && !exchange.signal.aborted) throw error
    exchange.breakOff()
  }
}
