import { emptyStream } from '../body.ts'
import { rangeBody, streamChunks } from '../range-body.ts'
import { planRangeReply } from '../range-reply.ts'
import type { ByteStream, OpenOptions } from '../types.ts'
import type { WebdavConnection } from './connection.ts'
import { statusOf, type WebdavErrorContext, webdavError } from './webdav-error.ts'

/** Open a file's bytes; undefined if there is no such file. Past its end there is nothing: an empty stream. */
export async function readObject(
  connection: WebdavConnection,
  context: WebdavErrorContext,
  { offset = 0, size = 0, signal }: OpenOptions,
): Promise<ByteStream | undefined> {
  const { path, endpoint } = context
  const name = `${endpoint}${path}`
  const asked = { key: path, name, offset, size }
  const Range = `bytes=${offset}-${size > 0 ? offset + size - 1 : ''}`
  try {
    const { status, header, body } = await connection.send({ method: 'GET', headers: { Range } }, context)
    const length = header('content-length')
    try {
      const reply = {
        status,
        contentRange: header('content-range'),
        contentLength: length === undefined ? undefined : Number(length),
        contentEncoding: header('content-encoding'),
      }
      const plan = planRangeReply(reply, asked)
      if (!body) return emptyStream()
      const { idleTimeoutMs } = connection.settings
      return rangeBody(streamChunks(body), plan, { ...asked, idleTimeoutMs, signal })
    } catch (error) {
      body?.destroy()
      throw error
    }
  } catch (error) {
    if (statusOf(error) === 404) return undefined
    if (statusOf(error) === 416) return emptyStream()
    throw webdavError(error, context)
  }
}
