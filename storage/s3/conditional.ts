import { s3ErrorName, s3ErrorStatus } from './s3-error.ts'

/** Codes of a 400 that say "I do not know this header". A 400 with another code has another reason. */
const UNKNOWN_HEADER = new Set(['NotImplemented', 'InvalidArgument', 'InvalidRequest', 'BadRequest', 'UnknownError'])

/**
 * True if an error to a conditional PUT means that the server has no conditional PUTs.
 *
 * 501 is the honest answer. MinIO of 2023 takes `If-None-Match: *` for a condition on reading and says NoSuchKey.
 */
export function isConditionUnsupported(error: unknown): boolean {
  const name = s3ErrorName(error)
  const status = s3ErrorStatus(error)
  if (status === 501 || name === 'NotImplemented') return true
  if (status === 404) return name !== 'NoSuchBucket'
  return status === 400 && UNKNOWN_HEADER.has(name)
}

/** Whether this server honours `If-None-Match: *`: believed until it says otherwise, unless it is known not to. */
export class ConditionalSupport {
  #supported: boolean

  constructor(supported = true) {
    this.#supported = supported
  }

  get supported(): boolean {
    return this.#supported
  }

  /**
   * Send with `If-None-Match: *`; where the server does not know it, send without and remember.
   * It is remembered only if the plain request succeeds: else the error had nothing to do with the condition.
   *
   * @param send gets the fields to add to the request
   */
  async create<T>(send: (condition: { IfNoneMatch?: string }) => Promise<T>): Promise<T> {
    if (!this.#supported) return send({})
    try {
      return await send({ IfNoneMatch: '*' })
    } catch (error) {
      if (!isConditionUnsupported(error)) throw error
      const result = await send({})
      this.#supported = false
      return result
    }
  }
}
