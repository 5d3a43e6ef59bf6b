import type { IncomingMessage } from 'node:http'
import { readBody } from '../read-body.ts'
import { RequestError } from './request-error.ts'

const BODY_BYTES_MAX = 64 * 1024

/** A request's JSON object, its fields not looked at yet. @throws RequestError 400, 413 */
export async function readRequest(request: IncomingMessage): Promise<RequestFields> {
  const text = await readBody(request, BODY_BYTES_MAX)
  if (text === undefined) throw new RequestError(413, 'request body too large')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw badBody((error as Error).message)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw badBody('not a JSON object')
  return new RequestFields(value as Record<string, unknown>)
}

/** The fields of a request, each read as what it must be. @throws RequestError 400 where one is of another type */
export class RequestFields {
  readonly #fields: Readonly<Record<string, unknown>>

  constructor(fields: Readonly<Record<string, unknown>>) {
    this.#fields = fields
  }

  /** Text that must be there. */
  required(name: string): string {
    const value = this.#read(name, 'string') ?? ''
    if (value === '') throw new RequestError(400, `${name} required`)
    return value as string
  }

  flag(name: string): boolean {
    return (this.#read(name, 'boolean') ?? false) as boolean
  }

  /** `timeout`, in milliseconds; not more than 0 is as if there were none. */
  timeoutMs(): number | undefined {
    const seconds = (this.#read('timeout', 'number') ?? 0) as number
    if (!Number.isSafeInteger(seconds)) throw badBody('timeout must be a whole number of seconds')
    return seconds > 0 ? seconds * 1000 : undefined
  }

  #read(name: string, type: 'string' | 'boolean' | 'number'): unknown {
    const value = this.#fields[name] ?? undefined
    if (value !== undefined && typeof value !== type) throw badBody(`${name} must be a ${type}`)
    return value
  }
}

function badBody(why: string): RequestError {
  return new RequestError(400, 'invalid request body', why)
}
