/** The S3 servers that Litestream treats specially (facts 2.4), and Alibaba Cloud OSS (docs/decisions/0012). */
export type S3Provider =
  | 'aws'
  | 'hetzner'
  | 'tigris'
  | 'digitalocean'
  | 'backblaze'
  | 'filebase'
  | 'scaleway'
  | 'r2'
  | 'minio'
  | 'supabase'
  | 'gcs'
  | 'oss'
  | 'other'

/** What a provider needs unless the user says otherwise. */
export interface ProviderDefaults {
  readonly provider: S3Provider
  readonly signPayload: boolean
  /** Send Content-MD5 with DeleteObjects. */
  readonly requireContentMD5: boolean
  readonly forcePathStyle: boolean
  /** Parts uploaded together. */
  readonly concurrency: number
  /** Writes may have conditions: where that is known not to be so, none is tried. */
  readonly conditionalWrites: boolean
}

/** Domains that are never taken for MinIO, port or not. */
const KNOWN_DOMAINS = [
  '.amazonaws.com',
  '.digitaloceanspaces.com',
  '.backblazeb2.com',
  '.filebase.com',
  '.scw.cloud',
  '.r2.cloudflarestorage.com',
  'tigris.dev',
  't3.storage.dev',
  '.supabase.co',
]

/** Host and port of an endpoint, lower-cased; empty if it carries user information or is no endpoint. */
export function endpointHost(endpoint: string): string {
  const rest = endpoint
    .trim()
    .toLowerCase()
    .replace(/^https?:\/\//, '')
  const host = rest.split(/[/?#]/)[0] ?? ''
  return host.includes('@') ? '' : host
}

/**
 * Recognise a provider by its endpoint.
 * @param endpoint URL or host; undefined or empty means AWS itself
 */
export function detectProvider(endpoint: string | undefined): S3Provider {
  if (!endpoint) return 'aws'
  const host = endpointHost(endpoint)
  if (host.endsWith('.your-objectstorage.com')) return 'hetzner'
  if (host === 'fly.storage.tigris.dev' || host === 't3.storage.dev') return 'tigris'
  if (host.endsWith('.digitaloceanspaces.com')) return 'digitalocean'
  if (host.endsWith('.backblazeb2.com')) return 'backblaze'
  if (host === 's3.filebase.com') return 'filebase'
  if (host.endsWith('.scw.cloud')) return 'scaleway'
  if (host.endsWith('.r2.cloudflarestorage.com')) return 'r2'
  if (host.endsWith('.supabase.co')) return 'supabase'
  if (isGoogle(host)) return 'gcs'
  if (isOss(host)) return 'oss'
  if (host.includes(':') && !KNOWN_DOMAINS.some((domain) => host.includes(domain))) return 'minio'
  return 'other'
}

/** `storage.googleapis.com`, `storage.<region>.rep.googleapis.com` and the like: first label has the segment `storage`. */
function isGoogle(host: string): boolean {
  const labels = host.replace(/:\d+$/, '').replace(/\.$/, '').split('.')
  if (labels.length < 3 || labels.at(-2) !== 'googleapis' || labels.at(-1) !== 'com') return false
  return labels[0]!.split('-').includes('storage')
}

/** `s3.oss-cn-hangzhou.aliyuncs.com` and the like. */
function isOss(host: string): boolean {
  return /(^|\.)oss-[^.]+\.aliyuncs\.com(:\d+)?$/.test(host)
}

/** Defaults for a provider. A custom endpoint is addressed path-style (features 3.3), but OSS refuses that. */
export function providerDefaults(provider: S3Provider): ProviderDefaults {
  return {
    provider,
    signPayload: true,
    requireContentMD5: provider !== 'tigris',
    forcePathStyle: provider !== 'aws' && provider !== 'oss',
    concurrency: provider === 'r2' ? 2 : 5,
    conditionalWrites: provider !== 'oss',
  }
}

const PRIVATE_ADDRESS = /^(?:127|10)(?:\.\d+){3}$|^192\.168(?:\.\d+){2}$|^172\.(?:1[6-9]|2\d|3[01])(?:\.\d+){2}$/

/** True for this machine and for addresses of private networks: plain http to them is no exposure. */
export function isPrivateHost(host: string): boolean {
  const name = host.replace(/:\d+$/, '')
  return name === 'localhost' || name === '[::1]' || PRIVATE_ADDRESS.test(name)
}

/** Give an endpoint a scheme if it has none: http for local hosts, https for the rest. */
export function withScheme(endpoint: string): string {
  const bare = endpoint.trim().replace(/\/+$/, '')
  if (/^https?:\/\//i.test(bare)) return bare
  const host = endpointHost(bare)
  const local = /\.(local|localhost)(:\d+)?$/.test(host)
  return `${isPrivateHost(host) || local ? 'http' : 'https'}://${bare}`
}
