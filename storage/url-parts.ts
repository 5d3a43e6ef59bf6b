import { StorageError } from './errors.ts'
import { redactURL } from './redact-url.ts'

/** A URL taken apart as Go's `url.Parse` does, decoded where it decodes. */
export interface URLParts {
  /** As given; may hold secrets. */
  readonly text: string
  /** Lower-case. */
  readonly scheme: string
  /** Host and port; for an access point ARN all of it. */
  readonly host: string
  readonly rawHost: string
  readonly user?: string
  readonly password?: string
  /** Decoded, with its leading slash. */
  readonly path: string
  readonly rawPath: string
  readonly query: URLSearchParams
}

/**
 * Split `scheme://[user[:password]@]host/path?query`; undefined if it is no such URL.
 * The host is kept as it is (bucket names are no host names), and nothing is normalised.
 *
 * @throws StorageError STORAGE_BAD_URL on a broken %-escape
 */
export function splitURL(text: string): URLParts | undefined {
  const match = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)([^?#]*)(?:\?([^#]*))?(#.*)?$/is.exec(text)
  if (!match) return undefined
  const [, rawScheme = '', authority = '', path = '', query = '', fragment = ''] = match
  const scheme = rawScheme.toLowerCase()
  const at = authority.lastIndexOf('@')
  const [user, password] = at < 0 ? [] : splitOnce(authority.slice(0, at), ':')
  const rawHost = authority.slice(at + 1)
  // A `#` belongs to a file path (as upstream has it); elsewhere it would silently cut the path short.
  if (fragment !== '' && scheme !== 'file') throw badText(text, 'a # in it must be written %23')
  const rawPath = scheme === 'file' ? path + fragment : path
  return {
    text,
    scheme,
    host: decode(rawHost, text),
    rawHost,
    ...(user !== undefined && { user: decode(user, text) }),
    ...(password !== undefined && { password: decode(password, text) }),
    path: scheme === 'file' ? rawPath : decode(rawPath, text),
    rawPath,
    query: new URLSearchParams(scheme === 'file' ? '' : query),
  }
}

export function badText(text: string, why: string): StorageError {
  return new StorageError('STORAGE_BAD_URL', `Cannot use replica URL ${redactURL(text)}: ${why}`)
}

function decode(part: string, text: string): string {
  try {
    return decodeURIComponent(part)
  } catch (cause) {
    const message = `Cannot use replica URL ${redactURL(text)}: a % in it must be written %25`
    throw new StorageError('STORAGE_BAD_URL', message, { cause })
  }
}

function splitOnce(text: string, separator: string): [string] | [string, string] {
  const at = text.indexOf(separator)
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)]
}
