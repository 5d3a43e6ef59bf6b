import { nearest } from '../arguments/index.ts'
import { cleanPath } from './keys.ts'
import { detectProvider, withScheme } from './s3/provider.ts'
import { badText, type URLParts } from './url-parts.ts'

/** An `s3://` URL; undefined fields were not given and take the provider's default. */
export interface S3URL {
  readonly scheme: 's3'
  /** Name or access point ARN. */
  readonly bucket: string
  /** `.` for `s3://bucket`, empty for `s3://bucket/` (facts 2.1). */
  readonly path: string
  readonly region?: string
  readonly endpoint?: string
  readonly forcePathStyle?: boolean
  readonly skipVerify?: boolean
  readonly signPayload?: boolean
  readonly requireContentMD5?: boolean
  readonly concurrency?: number
  readonly partSize?: number
  readonly storageClass?: string
  readonly sseCustomerAlgorithm?: string
  /** Secret. */
  readonly sseCustomerKey?: string
  readonly sseCustomerKeyMD5?: string
  readonly sseKmsKeyId?: string
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }
type Parameters = Mutable<Partial<Omit<S3URL, 'scheme' | 'bucket' | 'path'>>>
type ParameterKind = 'text' | 'boolean' | 'count'

const PARAMETERS: Readonly<Record<keyof Parameters, ParameterKind>> = {
  endpoint: 'text',
  region: 'text',
  forcePathStyle: 'boolean',
  skipVerify: 'boolean',
  signPayload: 'boolean',
  requireContentMD5: 'boolean',
  concurrency: 'count',
  partSize: 'count',
  storageClass: 'text',
  sseCustomerAlgorithm: 'text',
  sseCustomerKey: 'text',
  sseCustomerKeyMD5: 'text',
  sseKmsKeyId: 'text',
}

/** Both spellings of every parameter: `sseCustomerKeyMD5` and `sse-customer-key-md5`. */
const NAMES: ReadonlyMap<string, keyof Parameters> = new Map(
  (Object.keys(PARAMETERS) as (keyof Parameters)[]).flatMap((name) => [
    [hyphenated(name), name],
    [name, name],
  ]),
)

/** @throws StorageError STORAGE_BAD_URL */
export function parseS3URL(parts: URLParts): S3URL {
  if (parts.user !== undefined) {
    throw badText(parts.text, 'keys do not belong in it; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY')
  }
  const given = parameters(parts)
  const arn = /^arn:/i.test(parts.host) ? accessPoint(parts) : undefined
  const place = arn ?? { ...parseHost(parts), path: cleanPath(parts.path).replace(/^\//, '') }
  if (place.bucket === '') throw badText(parts.text, 'the bucket is missing; write s3://bucket/path')
  const endpoint = given.endpoint ?? place.endpoint
  const pathStyle = given.forcePathStyle ?? pathStyleFor(given.endpoint, place)
  return {
    scheme: 's3',
    ...place,
    ...given,
    ...(endpoint !== undefined && { endpoint: withScheme(endpoint) }),
    ...(pathStyle !== undefined && { forcePathStyle: pathStyle }),
  }
}

/** A custom endpoint is addressed path-style (not OSS, which refuses that), a provider's own host as it likes it. */
function pathStyleFor(endpoint: string | undefined, host: S3Host): boolean | undefined {
  if (endpoint !== undefined) return detectProvider(endpoint) !== 'oss'
  if (['filebase', 'backblaze', 'minio', 'supabase'].includes(detectProvider(host.endpoint))) return true
  return host.forcePathStyle
}

interface S3Host {
  readonly bucket: string
  readonly region?: string
  readonly endpoint?: string
  readonly forcePathStyle?: boolean
}

/** What the host part says, as upstream's `ParseHost` (facts 2.4). */
function parseHost(parts: URLParts): S3Host {
  const { host } = parts
  if (host.includes(':') && !host.includes('.com')) return hostWithPort(parts)
  const aws = /^(.+)\.s3(?:\.([^.]+))?\.amazonaws\.com$/.exec(host)
  if (aws) return { bucket: aws[1]!, ...(aws[2] && { region: aws[2] }) }
  const spaces = /^(?:(.+)\.)?([^.]+)\.digitaloceanspaces\.com$/.exec(host)
  if (spaces) return virtualHost(spaces, `https://${spaces[2]}.digitaloceanspaces.com`)
  const b2 = /^(?:(.+)\.)?s3\.([^.]+)\.backblazeb2\.com$/.exec(host)
  if (b2) return { ...virtualHost(b2, `https://s3.${b2[2]}.backblazeb2.com`), forcePathStyle: true }
  const filebase = /^(?:(.+)\.)?s3\.filebase\.com$/.exec(host)
  if (filebase) return { bucket: filebase[1] ?? '', endpoint: 'https://s3.filebase.com', forcePathStyle: false }
  const scaleway = /^(?:(.+)\.)?s3\.([^.]+)\.scw\.cloud$/.exec(host)
  if (scaleway) return virtualHost(scaleway, `https://s3.${scaleway[2]}.scw.cloud`)
  return { bucket: host }
}

function virtualHost(match: RegExpExecArray, endpoint: string): S3Host {
  return { bucket: match[1] ?? '', region: match[2]!, endpoint, forcePathStyle: false }
}

/**
 * `bucket.host:port`, as for MinIO. Upstream takes the text before the first dot for the bucket whatever it is, so
 * `127.0.0.1:9000` becomes bucket `127`; that is refused here.
 */
function hostWithPort(parts: URLParts): S3Host {
  const { host } = parts
  const dot = host.indexOf('.')
  if (dot < 0 || /^\d+(\.\d+){3}:\d+$/.test(host)) {
    throw badText(parts.text, `${host} is no bucket; write s3://bucket/path?endpoint=${withScheme(host)}`)
  }
  const endpoint = `http://${host.slice(dot + 1)}`
  return { bucket: host.slice(0, dot), region: 'us-east-1', endpoint, forcePathStyle: true }
}

/** `s3://arn:aws:s3:REGION:ACCOUNT:accesspoint/NAME[/path]`: the name is part of the ARN, what follows is the path. */
function accessPoint(parts: URLParts): S3Host & { path: string } {
  const text = parts.host + parts.path
  const match = /^(arn:[^/]*:accesspoint\/[^/]+)(?:\/(.*))?$/is.exec(text)
  if (!match) {
    throw badText(parts.text, 'it is no access point; write s3://arn:aws:s3:REGION:ACCOUNT:accesspoint/NAME/path')
  }
  const region = match[1]!.split(':')[3]
  const path = match[2] ? cleanPath(`/${match[2]}`).slice(1) : ''
  return { bucket: match[1]!, ...(region && { region }), path }
}

function parameters(parts: URLParts): Parameters {
  const given: Parameters = {}
  for (const [name, text] of parts.query) {
    const known = NAMES.get(name)
    if (!known) throw unknownParameter(parts, name)
    if (text === '' || known in given) continue // as upstream: empty is not given, the first one counts
    Object.assign(given, { [known]: value(parts, name, { kind: PARAMETERS[known], text }) })
  }
  return given
}

function value(
  parts: URLParts,
  name: string,
  given: { readonly kind: ParameterKind; readonly text: string },
): string | boolean | number {
  const { kind, text } = given
  if (kind === 'text') return text
  if (kind === 'boolean') {
    if (['true', '1', 't', 'yes'].includes(text.toLowerCase())) return true
    if (['false', '0', 'f', 'no'].includes(text.toLowerCase())) return false
    throw badText(parts.text, `${name} must be true or false`)
  }
  if (!/^\d+$/.test(text) || Number(text) < 1) throw badText(parts.text, `${name} must be a whole number above 0`)
  return Number(text)
}

function unknownParameter(parts: URLParts, name: string) {
  const guess = nearest(name, [...NAMES.keys()])
  const hint = guess ? `did you mean ${guess}?` : `known are ${Object.keys(PARAMETERS).join(', ')}`
  return badText(parts.text, `the parameter ${JSON.stringify(name)} is unknown; ${hint}`)
}

function hyphenated(name: string): string {
  return name.replace(/MD5/, '-md5').replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}
