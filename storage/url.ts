import { nearest } from '../arguments/index.ts'
import { StorageError } from './errors.ts'
import { cleanPath } from './keys.ts'
import { redactURL } from './redact-url.ts'
import { parseS3URL, type S3URL } from './s3-url.ts'
import { splitURL, type URLParts } from './url-parts.ts'
import { urlText } from './url-text.ts'

export interface FileURL {
  readonly scheme: 'file'
  /** Absolute path. */
  readonly path: string
}

export interface GsURL {
  readonly scheme: 'gs'
  readonly bucket: string
  readonly path: string
}

export interface AbsURL {
  readonly scheme: 'abs'
  /** Storage account; undefined where it comes from the environment. */
  readonly accountName?: string
  /** Container. */
  readonly bucket: string
  readonly path: string
}

export interface SftpURL {
  readonly scheme: 'sftp'
  /** With the port, if there is one. */
  readonly host: string
  readonly user?: string
  /** Secret. */
  readonly password?: string
  /** Absolute, as the CLI has it (facts 2.13). */
  readonly path: string
}

export interface WebdavURL {
  readonly scheme: 'webdav' | 'webdavs'
  /** `http[s]://host[:port]`. */
  readonly endpoint: string
  readonly user?: string
  /** Secret. */
  readonly password?: string
  /** Absolute, as the CLI has it (facts 2.13). */
  readonly path: string
}

export interface NatsURL {
  readonly scheme: 'nats'
  /** `nats://host[:port]`. */
  readonly server: string
  readonly user?: string
  /** Secret. */
  readonly password?: string
  /** The whole path of the URL: there is no path below the bucket (facts 2.10). */
  readonly bucket: string
}

export interface OssURL {
  readonly scheme: 'oss'
  readonly bucket: string
  /** From the host, if it names one. */
  readonly region?: string
  readonly endpoint?: string
  readonly path: string
}

/** A replica on a web server: only read. */
export interface HttpURL {
  readonly scheme: 'http' | 'https'
  /** As given; its query may hold secrets. */
  readonly url: string
}

/** A parsed replica URL. May hold secrets: show `redactURL(text)` or a client's `url`, never this. */
export type ReplicaURL = FileURL | S3URL | GsURL | AbsURL | SftpURL | WebdavURL | NatsURL | OssURL | HttpURL

const SCHEMES = ['file', 's3', 'gs', 'abs', 'sftp', 'webdav', 'webdavs', 'nats', 'oss', 'https', 'http']

/** What people write for a scheme that has another name here. */
const ALIASES: Readonly<Record<string, string>> = {
  gcs: 'gs',
  google: 'gs',
  azblob: 'abs',
  azure: 'abs',
  az: 'abs',
  wasb: 'abs',
  wasbs: 'abs',
  s3a: 's3',
  s3n: 's3',
  ssh: 'sftp',
  ftp: 'sftp',
  dav: 'webdav',
  davs: 'webdavs',
}

/**
 * Parse a replica URL as Litestream's command line and config file do (features 4; facts 2.1, 2.4, 2.13).
 *
 * Where Litestream has two readings, this one holds: sftp and webdav paths are absolute; every s3 parameter is taken
 * in both spellings, encryption included; a user and password in a nats URL are taken. Unknown parameters, which
 * Litestream ignores, are errors: a misspelt `endpoint` would send data elsewhere.
 *
 * @throws StorageError STORAGE_BAD_URL; no secret of the URL is in its message
 */
export function parseReplicaURL(source: string | URL): ReplicaURL {
  const text = urlText(source)
  const parts = splitURL(text)
  if (!parts) throw notAURL(text)
  switch (parts.scheme) {
    case 'file':
      return { scheme: 'file', path: filePath(parts) }
    case 's3':
      return parseS3URL(parts)
    case 'gs':
      noQuery(parts)
      return { scheme: 'gs', bucket: bucketOf(parts), path: objectPath(parts) }
    case 'abs':
      return parseAbs(parts)
    case 'sftp':
      noQuery(parts)
      return { scheme: 'sftp', host: hostOf(parts), ...login(parts), path: cleanPath(`/${parts.path}`) }
    case 'webdav':
    case 'webdavs':
      return parseWebdav(parts, parts.scheme)
    case 'nats':
      return parseNats(parts)
    case 'oss':
      return parseOss(parts)
    case 'http':
    case 'https':
      hostOf(parts)
      return { scheme: parts.scheme, url: text }
    default:
      throw unknownScheme(parts)
  }
}

/**
 * Litestream's file path is the URL's text after `file://` in URL spelling, not decoded: `file:///a%20b` and
 * `file:///a b` both mean the folder `a%20b`. The query is dropped, a host becomes the first folder.
 */
function filePath(parts: URLParts): string {
  const path = cleanPath(`/${parts.rawHost}${parts.rawPath}`)
  if (path === '/') throw badURL(parts, 'it names no folder; write file:///path/to/replica')
  // As Go's EscapedPath: what may stand in a URL's path stays, the rest becomes %XX.
  return path.replace(/[^A-Za-z0-9\-._~$&+,/:;=@!'()*[\]%#]/gu, (char) => encodeURIComponent(char))
}

function parseAbs(parts: URLParts): AbsURL {
  noQuery(parts)
  const base = { scheme: 'abs' as const, bucket: bucketOf(parts), path: objectPath(parts) }
  return parts.user === undefined ? base : { ...base, accountName: parts.user }
}

function parseWebdav(parts: URLParts, scheme: 'webdav' | 'webdavs'): WebdavURL {
  noQuery(parts)
  const endpoint = `${scheme === 'webdavs' ? 'https' : 'http'}://${hostOf(parts)}`
  return { scheme, endpoint, ...login(parts), path: cleanPath(`/${parts.path}`) }
}

function parseNats(parts: URLParts): NatsURL {
  noQuery(parts)
  const server = `nats://${hostOf(parts)}`
  const bucket = parts.path.replace(/^\/+|\/+$/g, '')
  if (bucket === '') throw badURL(parts, 'the bucket is missing; write nats://host/bucket')
  return { scheme: 'nats', server, ...login(parts), bucket }
}

function parseOss(parts: URLParts): OssURL {
  noQuery(parts)
  const path = objectPath(parts)
  const host = /^(?:(.+)\.)?oss-([^.]+?)(-internal)?\.aliyuncs\.com$/.exec(parts.host)
  if (!host) return { scheme: 'oss', bucket: bucketOf(parts), path }
  const [, bucket, region = '', internal = ''] = host
  if (!bucket) throw badURL(parts, `the bucket is missing; write oss://bucket.${parts.host}/path`)
  return { scheme: 'oss', bucket, region, endpoint: `https://oss-${region}${internal}.aliyuncs.com`, path }
}

/** Path of gs, abs and oss objects: cleaned, no leading slash; `.` (no path at all) and empty both as they come. */
function objectPath(parts: URLParts): string {
  return cleanPath(parts.path).replace(/^\//, '')
}

function bucketOf(parts: URLParts): string {
  if (parts.host === '') throw badURL(parts, `the bucket is missing; write ${parts.scheme}://bucket/path`)
  return parts.host
}

function hostOf(parts: URLParts): string {
  if (parts.host === '') throw badURL(parts, `the host is missing; write ${parts.scheme}://host/path`)
  return parts.host
}

function login(parts: URLParts): { user?: string; password?: string } {
  return {
    ...(parts.user !== undefined && { user: parts.user }),
    ...(parts.password !== undefined && { password: parts.password }),
  }
}

function noQuery(parts: URLParts): void {
  const [name] = parts.query.keys()
  if (name !== undefined)
    throw badURL(parts, `${parts.scheme}:// takes no parameters, but it has ${JSON.stringify(name)}`)
}

function badURL(parts: URLParts, why: string): StorageError {
  return new StorageError('STORAGE_BAD_URL', `Cannot use replica URL ${redactURL(parts.text)}: ${why}`)
}

function notAURL(text: string): StorageError {
  const shown = redactURL(text)
  const oneSlash = /^([a-z][a-z0-9+.-]*):\/?([^/].*)$/i.exec(text)
  const scheme = oneSlash?.[1]?.toLowerCase() ?? ''
  const why =
    text === ''
      ? 'it is empty'
      : oneSlash && (SCHEMES.includes(scheme) || scheme in ALIASES)
        ? `after ${scheme}: there must be two slashes; write ${redactURL(withSlashes(ALIASES[scheme] ?? scheme, oneSlash[2]!))}`
        : /^[/.~]/.test(text)
          ? `it is a path, not a URL; write file://${/^\//.test(text) ? shown : '/absolute/path'}`
          : 'it has no scheme; write for example s3://bucket/path or file:///path'
  return new StorageError('STORAGE_BAD_URL', `Cannot use replica URL ${JSON.stringify(shown)}: ${why}`)
}

/** A file URL has an absolute path, so a third slash. */
function withSlashes(scheme: string, rest: string): string {
  return scheme === 'file' ? `file:///${rest}` : `${scheme}://${rest}`
}

function unknownScheme(parts: URLParts): StorageError {
  const { scheme } = parts
  const guess = ALIASES[scheme] ?? nearest(scheme, SCHEMES)
  const hint = guess ? `did you mean ${guess}://?` : `known are ${SCHEMES.join(', ')}`
  return badURL(parts, `the scheme ${scheme}:// is unknown; ${hint}`)
}
