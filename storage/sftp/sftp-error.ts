import { isStorageError, StorageError, type StorageErrorCode } from '../errors.ts'
import { fillIn, type Meaning, networkMeaning } from '../meaning.ts'

/** What was tried, and where. */
export interface SftpErrorContext {
  /** e.g. `read`, `list`. */
  readonly verb: string
  readonly path: string
  /** Host and port. */
  readonly endpoint: string
  readonly user?: string
  readonly signal?: AbortSignal | undefined
}

/** Status codes of SFTP version 3. */
export const STATUS = { NO_SUCH_FILE: 2, PERMISSION_DENIED: 3, FAILURE: 4, UNSUPPORTED: 8 } as const

const BY_STATUS: Readonly<Record<number, Meaning>> = {
  [STATUS.NO_SUCH_FILE]: ['STORAGE_NOT_FOUND', 'there is no such file'],
  [STATUS.PERMISSION_DENIED]: ['STORAGE_ACCESS_DENIED', 'permission denied; check who owns it and its mode'],
  [STATUS.FAILURE]: ['STORAGE_SERVER_ERROR', 'the server failed ({said}); is its disk full?'],
  5: ['STORAGE_BAD_REPLY', 'the server did not understand ({said})'],
  6: ['STORAGE_UNREACHABLE', 'the connection to {endpoint} was lost'],
  7: ['STORAGE_UNREACHABLE', 'the connection to {endpoint} was lost'],
  [STATUS.UNSUPPORTED]: ['STORAGE_REFUSED', 'the server cannot do that ({said})'],
}

const BY_LEVEL: Readonly<Record<string, Meaning>> = {
  'client-timeout': ['STORAGE_TIMEOUT', '{endpoint} did not answer in time'],
  'client-authentication': [
    'STORAGE_BAD_CREDENTIALS',
    '{endpoint} does not let {user} in; check the password or the key file, and that it is in authorized_keys',
  ],
  'client-dns': ['STORAGE_UNREACHABLE', 'the host of {endpoint} is not known; check its spelling'],
  'client-socket': ['STORAGE_UNREACHABLE', 'the connection to {endpoint} was lost'],
}

interface SshError {
  readonly message?: string
  /** A status of SFTP, or Node's network error. */
  readonly code?: number | string
  /** Which part of ssh2 failed. */
  readonly level?: string
}

/** True for the answer "no such file or folder". */
export function isAbsent(error: unknown): boolean {
  return hasStatus(error, STATUS.NO_SUCH_FILE)
}

export function hasStatus(error: unknown, ...codes: number[]): boolean {
  const code = (error as SshError | undefined)?.code
  return typeof code === 'number' && codes.includes(code)
}

/** True for ssh2's own word that the server has not announced an extension, and for the server's that it lacks it. */
export function isUnsupported(error: unknown): boolean {
  const said = (error as SshError | undefined)?.message ?? ''
  return hasStatus(error, STATUS.UNSUPPORTED) || said === 'Server does not support this extended request'
}

/**
 * What a failed request means, as the error to throw.
 * A StorageError comes back as it is, the caller's own errors too; after an abort it is the signal's reason.
 */
export function sftpError(error: unknown, context: SftpErrorContext): unknown {
  if (context.signal?.aborted) return context.signal.reason
  const known = meaning(error as SshError)
  if (isStorageError(error) || !known) return error
  return build(known, error as SshError, context)
}

/** What it means that no connection came about. */
export function connectError(error: unknown, context: SftpErrorContext): unknown {
  if (isStorageError(error)) return error
  const ssh = error as SshError
  return build(
    meaning(ssh) ?? ['STORAGE_BAD_REPLY', '{endpoint} does not speak SSH as expected ({said})'],
    ssh,
    context,
  )
}

function meaning({ code, level, message }: SshError): Meaning | undefined {
  if (typeof code === 'number') return BY_STATUS[code]
  if (typeof code === 'string') return networkMeaning(code) ?? BY_LEVEL[level ?? '']
  if (message === 'No response from server' || message === 'Not connected') return networkMeaning('ECONNRESET')
  return BY_LEVEL[level ?? '']
}

function build([code, text]: readonly [StorageErrorCode, string], error: SshError, context: SftpErrorContext): unknown {
  const { verb, path, endpoint, user = 'the user' } = context
  const why = fillIn(text, { endpoint, user, said: (error.message ?? '').replace(/\s+/g, ' ').slice(0, 200) })
  return new StorageError(code, `Cannot ${verb} sftp://${endpoint}${path}: ${why}`, {
    at: { key: path, endpoint },
    cause: error,
  })
}
