import { StorageError } from './errors.ts'

/** The parts of a GET reply that say which bytes it carries. */
export interface RangeReply {
  readonly status: number
  readonly contentRange?: string | undefined
  readonly contentLength?: number | undefined
  readonly contentEncoding?: string | undefined
  /** Headers may be missing here though the server sent them: a browser hides what CORS does not expose. */
  readonly hidden?: boolean
}

export interface RangeAsked {
  readonly key: string
  /** What is read, for people. Default: the key. */
  readonly name?: string
  readonly offset: number
  /** 0: up to the end. */
  readonly size: number
  /** The whole object's size, where it is known beforehand. */
  readonly fileSize?: number | undefined
}

/** What to take from the reply's body. */
export interface RangePlan {
  /** Bytes to drop from the front: a server that ignores Range sends the whole object. */
  readonly skip: number
  /** Bytes wanted after that; undefined if only the end of the body can tell. */
  readonly take: number | undefined
  /** False if the body goes on after the wanted bytes. */
  readonly toEnd: boolean
  /** The whole object's size, where the reply tells. */
  readonly total?: number | undefined
}

/**
 * Decide from its head whether a reply carries the bytes that were asked for.
 *
 * 206 must name exactly the asked range, cut at the object's end. Where a browser hides that name it must have exactly
 * the length that was asked for. 200 is the whole object and is sliced. Anything compressed is refused: its offsets are
 * not the object's.
 *
 * @throws StorageError STORAGE_BAD_RANGE_REPLY, STORAGE_BAD_REPLY
 */
export function planRangeReply(reply: RangeReply, asked: RangeAsked): RangePlan {
  const encoding = reply.contentEncoding?.toLowerCase() ?? ''
  // `aws-chunked` is a label that some servers keep from an upload; the body is plain.
  if (!['', 'identity', 'aws-chunked'].includes(encoding)) {
    const message =
      `Cannot read ${asked.name ?? asked.key}: the reply is compressed (${encoding}), so that its offsets are not the file's; ` +
      'turn compression off for .ltx files, on the server and on a CDN before it'
    throw new StorageError('STORAGE_BAD_REPLY', message, { at: { key: asked.key, offset: asked.offset } })
  }
  if (reply.status === 200) return planWhole(reply, asked)
  if (reply.status !== 206) throw mismatch(asked, `status ${reply.status}`)
  if (reply.hidden && reply.contentRange === undefined) return planHidden(reply, asked)
  const range = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(reply.contentRange ?? '')
  if (!range) throw mismatch(asked, `Content-Range ${JSON.stringify(reply.contentRange)}`)
  const [start, end] = [Number(range[1]), Number(range[2])]
  const total = range[3] === '*' ? undefined : Number(range[3])
  const askedEnd = asked.size > 0 ? asked.offset + asked.size - 1 : Number.POSITIVE_INFINITY
  const expectedEnd = total === undefined ? askedEnd : Math.min(askedEnd, total - 1)
  const length = end - start + 1
  if (start !== asked.offset || end !== expectedEnd) throw mismatch(asked, `Content-Range ${reply.contentRange}`)
  if (reply.contentLength !== undefined && reply.contentLength !== length) {
    throw mismatch(asked, `Content-Range ${reply.contentRange} but Content-Length ${reply.contentLength}`)
  }
  return { skip: 0, take: length, toEnd: true, total }
}

/**
 * 206 without a visible Content-Range. It is the asked range if it has its length: a server that answers with 206 has
 * understood what was asked. Where the object may end before, only its known size can tell that nothing is missing.
 */
function planHidden(reply: RangeReply, asked: RangeAsked): RangePlan {
  const { offset, size, fileSize } = asked
  const rest = fileSize === undefined ? undefined : Math.max(0, fileSize - offset)
  const take = rest === undefined ? size : size > 0 ? Math.min(size, rest) : rest
  const length = reply.contentLength ?? take
  if (take > 0 && length === take) return { skip: 0, take, toEnd: true }
  if (fileSize !== undefined) throw mismatch(asked, `${length} bytes of a file that should have ${fileSize}`)
  throw mismatch(
    asked,
    `${reply.contentLength ?? 'some'} bytes, and cannot know whether the file ends there: the server must let this page see it by its CORS rules ` +
      '(docs/cors.md): ' +
      'Access-Control-Expose-Headers: Content-Range, ETag',
  )
}

function planWhole(reply: RangeReply, asked: RangeAsked): RangePlan {
  const total = reply.contentLength ?? asked.fileSize
  if (asked.size === 0) {
    return {
      skip: asked.offset,
      take: total === undefined ? undefined : Math.max(0, total - asked.offset),
      toEnd: true,
      total,
    }
  }
  if (total === undefined) throw mismatch(asked, 'status 200 without a length')
  const take = Math.max(0, Math.min(asked.size, total - asked.offset))
  return { skip: asked.offset, take, toEnd: asked.offset + take >= total, total }
}

function mismatch(asked: RangeAsked, got: string): StorageError {
  const want = asked.size > 0 ? `${asked.offset}-${asked.offset + asked.size - 1}` : `${asked.offset}-`
  return new StorageError(
    'STORAGE_BAD_RANGE_REPLY',
    `Cannot read ${asked.name ?? asked.key}: asked for bytes ${want}, got ${got}`,
    {
      at: { key: asked.key, offset: asked.offset },
    },
  )
}
