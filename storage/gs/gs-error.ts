import { StorageError } from '../errors.ts'
import { fillIn, type Meaning, networkMeaning } from '../meaning.ts'
import { GS_BY_REASON, GS_BY_STATUS } from './gs-meaning.ts'

export interface GsErrorContext {
  /** What failed, for people: `read gs://bucket/key`. */
  readonly what: string
  readonly key: string
  readonly bucket: string
  readonly endpoint: string
}

/** A refusal as it came: not yet a StorageError, so that who asked may see in it an answer. */
export class GsRefusal extends Error {
  readonly status: number
  /** Google's word for why, e.g. `conditionNotMet`; empty if it says nothing. */
  readonly reason: string

  constructor(status: number, body: string) {
    const { reason, message } = parseRefusal(body)
    super(message)
    this.status = status
    this.reason = reason
  }

  /** True if it is the object that is not there, not its bucket. */
  get isNoObject(): boolean {
    return this.status === 404 && !/bucket does not exist/i.test(this.message)
  }
}

/** What a failed attempt means. */
export function gsError(error: unknown, context: GsErrorContext): StorageError {
  const { bucket, endpoint, key } = context
  const status = error instanceof GsRefusal ? error.status : undefined
  const [code, text] = error instanceof GsRefusal ? refusalMeaning(error) : failureMeaning(error)
  const network = String(networkCode(error))
  const why = fillIn(text, { bucket, endpoint, code: network, orElse: '' })
  return new StorageError(code, `Cannot ${context.what}: ${why}`, {
    at: { bucket, endpoint, key, ...(status !== undefined && { status }) },
    cause: error,
  })
}

function refusalMeaning({ status, reason, message }: GsRefusal): Meaning {
  const known = Object.hasOwn(GS_BY_REASON, reason) ? GS_BY_REASON[reason] : GS_BY_STATUS[status]
  if (known) return known
  const said = [status, reason, message].filter((part) => part !== '').join(', ')
  if (status >= 500) return ['STORAGE_SERVER_ERROR', `the server failed (${said})`]
  return ['STORAGE_REFUSED', `the server refused (${said})`]
}

/** There was no answer, or no credentials to ask with. */
function failureMeaning(error: unknown): Meaning {
  const known = networkMeaning(String(networkCode(error)))
  if (known) return known
  const {
    message = '',
    cause,
    status = 0,
  } = error as { message?: string; cause?: { message?: string }; status?: number }
  if (status === 429 || status >= 500) return ['STORAGE_SERVER_ERROR', `no token could be had (${oneLine(message)})`]
  if (/default credentials|NO_ADC_FOUND/i.test(message)) {
    return [
      'STORAGE_NO_CREDENTIALS',
      'there are no application default credentials; set GOOGLE_APPLICATION_CREDENTIALS to a key file, or run `gcloud auth application-default login`',
    ]
  }
  const said = oneLine(cause?.message ?? message)
  if (error instanceof TypeError) return ['STORAGE_UNREACHABLE', `the connection to {endpoint} was lost (${said})`]
  if (error instanceof SyntaxError) return ['STORAGE_BAD_REPLY', `{endpoint} did not answer like Google (${said})`]
  return ['STORAGE_BAD_CREDENTIALS', `the credentials cannot be used (${said})`]
}

/** Node's code, which fetch keeps in the cause. */
function networkCode(error: unknown): unknown {
  const { code, cause } = error as { code?: unknown; cause?: { code?: unknown } }
  return cause?.code ?? code
}

function parseRefusal(body: string): { reason: string; message: string } {
  try {
    const { error } = JSON.parse(body) as { error: { message?: string; errors?: readonly { reason?: string }[] } }
    return { reason: error.errors?.[0]?.reason ?? '', message: oneLine(error.message ?? '') }
  } catch {
    return { reason: '', message: oneLine(body) }
  }
}

function oneLine(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim()
  return line.length > 200 ? `${line.slice(0, 200)}...` : line
}
