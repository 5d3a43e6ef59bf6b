import { isStorageError } from '../errors.ts'
import { readLimited } from '../limited-body.ts'
import { WHOLE_BODY_MS } from '../limits.ts'
import type { Meaning } from '../meaning.ts'
import { streamChunks } from '../range-body.ts'
import { LISTING_LIMIT } from '../store-limits.ts'

/** What is wrong with an answer that was not read to its end, by the name of the error. */
export const ANSWER_MEANINGS: Readonly<Record<string, Meaning>> = {
  AnswerTooLarge: [
    'STORAGE_TOO_LARGE',
    `the answer of {endpoint} has more than ${LISTING_LIMIT.bytes} bytes; ${LISTING_LIMIT.hint}`,
  ],
  AnswerTooSlow: ['STORAGE_TIMEOUT', 'the answer of {endpoint} does not go on in time'],
}

/**
 * How the SDK gets the answers that it reads as a whole, refusals too: it sets no limit to them by itself. The files of a
 * replica do not come this way.
 */
export function answerCollector(idleTimeoutMs: number): (body: unknown) => Promise<Uint8Array> {
  const context = { key: '', name: 'the answer', idleTimeoutMs, totalTimeoutMs: WHOLE_BODY_MS, signal: undefined }
  return async (body) => {
    try {
      return await readLimited(streamChunks(body), LISTING_LIMIT, context)
    } catch (error) {
      if (isStorageError(error, 'STORAGE_TOO_LARGE')) throw notRead('AnswerTooLarge')
      if (isStorageError(error, 'STORAGE_TIMEOUT')) throw notRead('AnswerTooSlow')
      throw (error as Error).cause ?? error // as the connection says it: by that the SDK tries again or not
    }
  }
}

/** With metadata, as without the SDK adds a line of its own to the message; by its name it is not tried again. */
function notRead(name: keyof typeof ANSWER_MEANINGS): Error {
  return Object.assign(new Error(name), { name, $metadata: {} })
}
