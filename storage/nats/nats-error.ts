import { isStorageError, StorageError } from '../errors.ts'
import { fillIn, type Meaning, networkMeaning } from '../meaning.ts'

/** What was tried, and where. */
export interface NatsErrorContext {
  /** e.g. `read`, `list`. */
  readonly verb: string
  /** Object, where one is meant. */
  readonly key?: string
  readonly bucket: string
  /** `nats://host[:port]`. */
  readonly server: string
  readonly signal?: AbortSignal | undefined
}

const NO_BUCKET: Meaning = [
  'STORAGE_NO_BUCKET',
  'there is no object store {bucket} at {server}; make it with: nats object add {bucket}',
]
const TAKEN: Meaning = ['STORAGE_PRECONDITION_FAILED', 'it exists already or was changed by somebody else']
const FULL: Meaning = ['STORAGE_NO_SPACE', 'the limit of the bucket or of the account is reached ({said})']
const LOST: Meaning = ['STORAGE_UNREACHABLE', 'the connection to {server} was lost']

/** By the number that JetStream gives an error. */
const BY_API_CODE: Readonly<Record<number, Meaning>> = {
  10023: FULL,
  10028: FULL,
  10039: ['STORAGE_REFUSED', 'JetStream is not enabled for this account'],
  10047: FULL,
  10054: ['STORAGE_TOO_LARGE', 'the bucket does not take messages of this size ({said})'],
  10059: NO_BUCKET,
  10071: TAKEN,
  10076: ['STORAGE_REFUSED', 'JetStream is not enabled at {server}'],
  10077: FULL,
  10164: TAKEN,
}

const BY_NAME: Readonly<Record<string, Meaning>> = {
  TimeoutError: ['STORAGE_TIMEOUT', '{server} did not answer in time'],
  AuthorizationError: ['STORAGE_BAD_CREDENTIALS', '{server} does not let us in; check the credentials'],
  UserAuthenticationExpiredError: ['STORAGE_BAD_CREDENTIALS', 'the credentials have expired; get new ones'],
  PermissionViolationError: ['STORAGE_ACCESS_DENIED', 'these credentials may not do that ({said})'],
  ClosedConnectionError: LOST,
  DrainingConnectionError: LOST,
  NoRespondersError: ['STORAGE_SERVER_ERROR', 'JetStream does not answer at {server}; is it enabled?'],
  JetStreamNotEnabled: ['STORAGE_SERVER_ERROR', 'JetStream does not answer at {server}; is it enabled?'],
}

interface NatsLibError {
  readonly name?: string
  readonly message?: string
  readonly code?: unknown
  readonly status?: unknown
  readonly cause?: unknown
}

/**
 * What a failed call of the NATS client means, as the error to throw.
 * A StorageError comes back as it is; after an abort it is the signal's reason.
 */
export function natsError(error: unknown, context: NatsErrorContext): unknown {
  if (context.signal?.aborted) return context.signal.reason
  if (isStorageError(error)) return error
  const { verb, key, bucket, server } = context
  const [code, text] = meaning(error)
  const said = ((error as NatsLibError)?.message ?? '').replace(/\s+/g, ' ').slice(0, 200)
  const why = fillIn(text, { bucket, server, endpoint: server, said, code: codeOf(error), orElse: ' or root-cas' })
  const what = `${server}/${bucket}${key === undefined ? '' : ` ${key}`}`
  return new StorageError(code, `Cannot ${verb} ${what}: ${why}`, {
    at: { bucket, endpoint: server, ...(key !== undefined && { key }) },
    cause: error,
  })
}

/** True for the refusal of a write whose condition does not hold. */
export function isConflict(error: unknown): boolean {
  return meaning(error) === TAKEN
}

/** The NATS client wraps what it was told. */
function* chain(error: unknown): Generator<NatsLibError> {
  for (let each = error, depth = 0; each instanceof Error && depth < 5; each = each.cause, depth++) yield each
}

function codeOf(error: unknown): string {
  for (const { code } of chain(error)) if (typeof code === 'string') return code
  return ''
}

function meaning(error: unknown): Meaning {
  for (const { name = '', message = '', code, status } of chain(error)) {
    if (/connection (closed|disconnected|draining)|closed connection/i.test(message)) return LOST
    if (typeof code === 'number' && BY_API_CODE[code]) return BY_API_CODE[code]
    if (typeof code === 'string' && networkMeaning(code)) return networkMeaning(code)!
    if (Object.hasOwn(BY_NAME, name)) return BY_NAME[name]!
    if (typeof status === 'number' && status >= 500) return ['STORAGE_SERVER_ERROR', 'the server failed ({said})']
  }
  const said = (error as NatsLibError | undefined)?.message ?? ''
  if ((error as NatsLibError | undefined)?.name === 'ConnectionError') return networkMeaning(refusedOrLost(said))!
  return ['STORAGE_REFUSED', 'the server refused ({said})']
}

function refusedOrLost(said: string): string {
  return /refused/.test(said) ? 'ECONNREFUSED' : 'ECONNRESET'
}
