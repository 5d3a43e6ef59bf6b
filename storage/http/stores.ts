import { StorageError } from '../errors.ts'
import { redactURL } from '../redact-url.ts'
import { detectProvider, providerDefaults, withScheme } from '../s3/provider.ts'
import { S3_BY_NAME } from '../s3/s3-meaning.ts'
import type { S3URL } from '../s3-url.ts'
import { type AbsURL, type GsURL, parseReplicaURL } from '../url.ts'
import { AZURE_HEADERS, AZURE_MEANINGS, azureDialect } from './azure-dialect.ts'
import { CatalogFinder } from './catalog-finder.ts'
import { HttpConnection, type HttpOptions, type HttpPlace } from './connection.ts'
import { HttpReplica } from './http-replica.ts'
import { ListingFinder } from './listing-finder.ts'
import { s3Dialect } from './s3-dialect.ts'
import type { CredentialsSource } from './s3-signer.ts'

/** How stores are reached that list by themselves. */
export interface StoreOptions extends HttpOptions {
  /** For `s3://`: wins over the URL. */
  readonly s3?: {
    readonly endpoint?: string
    readonly region?: string
    /** Default: none; then requests are not signed, and the bucket must be public. */
    readonly credentials?: CredentialsSource
  }
  /** For `gs://`, which must be public. */
  readonly gs?: { readonly endpoint?: string }
  /** For `abs://`. */
  readonly abs?: {
    /** `https://host[/account]`. Default: `https://<account>.blob.core.windows.net`. */
    readonly endpoint?: string
    /** `sv=...&sig=...`, for the container, with the permissions read and list. Default: none; it must be public. */
    readonly sasToken?: string
  }
}

const GOOGLE = 'https://storage.googleapis.com'

/**
 * Open a replica in a store that lists by itself. Nothing is sent yet.
 * @throws StorageError STORAGE_BAD_URL, STORAGE_UNSUPPORTED_SCHEME
 */
export async function openStore(url: string, options: StoreOptions): Promise<HttpReplica> {
  const parsed = parseReplicaURL(url)
  switch (parsed.scheme) {
    case 's3':
      return await openS3(parsed, options)
    case 'gs':
      return openGs(parsed, options)
    case 'abs':
      return openAbs(parsed, options)
    default: {
      const message = `Cannot open ${redactURL(url)}: over fetch alone it can be https://, s3://, gs:// or abs://`
      throw new StorageError('STORAGE_UNSUPPORTED_SCHEME', message)
    }
  }
}

/** A web URL of a host that lists: by the catalog if there is one, else by its listing. The catalog is asked for now. */
export async function openListingHost(
  root: URL,
  place: { readonly type: string; readonly url: string },
  options: HttpOptions,
): Promise<HttpReplica> {
  const [bucket = '', ...rest] = root.pathname.split('/').slice(1).map(decodeURIComponent)
  if (bucket === '') {
    const message = `Cannot open ${place.url}: the bucket is missing; write ${root.origin}/bucket/path`
    throw new StorageError('STORAGE_BAD_URL', message)
  }
  const google = root.origin === GOOGLE
  const withHeaders = google || root.searchParams.has('sv') ? options : azureOptions(options)
  const meanings = google ? S3_BY_NAME : AZURE_MEANINGS
  const connection = new HttpConnection({ root, shown: place.url }, withHeaders)
  const catalog = new CatalogFinder(connection)
  if (await catalog.probe()) return new HttpReplica(place, connection, catalog)
  const bucketRoot = new URL(root)
  bucketRoot.pathname = `/${bucket}`
  const listed = { root: bucketRoot, shown: `${root.origin}/${bucket}`, bucket, meanings }
  const dialect = google ? s3Dialect : azureDialect
  return listing(place, new HttpConnection(listed, withHeaders), { dialect, layout: 'ltx', path: rest.join('/') })
}

async function openS3(url: S3URL, options: StoreOptions): Promise<HttpReplica> {
  const { bucket, path } = url
  const shown = `s3://${bucket}`
  const refuse = (why: string): never => {
    throw new StorageError('STORAGE_BAD_URL', `Cannot open ${shown}/${path} over fetch alone: ${why}`)
  }
  if (path === '.') refuse(`its keys begin with ./, which no web address can; write ${shown}/ or give a path`)
  if (bucket.startsWith('arn:')) refuse('access points are not known here; name the bucket')
  if (url.sseCustomerKey) refuse('customer keys are not sent from here')
  if (url.skipVerify) refuse('certificates are verified by the runtime; leave skip-verify out')
  const region = options.s3?.region ?? url.region
  const endpoint = options.s3?.endpoint ?? url.endpoint
  const root = s3Root({ ...url, region, endpoint }) ?? refuse('its endpoint must be a host or URL')
  const credentials = options.s3?.credentials
  const signer = credentials && (await import('./s3-signer.ts')).s3Signer(credentials, region ?? 'us-east-1')
  const connection = { root, shown, bucket, sign: signer, meanings: S3_BY_NAME }
  const place = { type: 's3', url: `${shown}/${path}${endpoint ? `?endpoint=${root.origin}` : ''}` }
  return listing(place, new HttpConnection(connection, options), { dialect: s3Dialect, layout: 's3', path })
}

/** The bucket's address; undefined if the endpoint is none. */
function s3Root(url: {
  readonly bucket: string
  readonly region: string | undefined
  readonly endpoint: string | undefined
  readonly forcePathStyle?: boolean
}): URL | undefined {
  const { bucket, region, endpoint } = url
  const aws = `s3${region ? `.${region}` : ''}.amazonaws.com${region?.startsWith('cn-') ? '.cn' : ''}`
  const root = rootURL(withScheme(endpoint ?? aws))
  if (!root) return undefined
  // A certificate for *.s3.amazonaws.com is none for a name with more dots.
  const pathStyle =
    url.forcePathStyle ?? (providerDefaults(detectProvider(endpoint)).forcePathStyle || bucket.includes('.'))
  if (pathStyle) return below(root, bucket)
  root.host = `${bucket}.${root.host}`
  return root
}

function openGs({ bucket, path }: GsURL, options: StoreOptions): HttpReplica {
  const shown = `gs://${bucket}`
  const root = below(rootURL(options.gs?.endpoint ?? GOOGLE) ?? badEndpoint(shown), bucket)
  const connection = new HttpConnection({ root, shown, bucket, meanings: S3_BY_NAME }, options)
  return listing({ type: 'gs', url: `${shown}/${path}` }, connection, { dialect: s3Dialect, layout: 'ltx', path })
}

function openAbs({ accountName, bucket, path }: AbsURL, options: StoreOptions): HttpReplica {
  const shown = `abs://${accountName ? `${accountName}@` : ''}${bucket}`
  const { endpoint, sasToken } = options.abs ?? {}
  if (!accountName && !endpoint) {
    const message = `Cannot open ${shown}/${path}: the account is missing; write abs://account@container/path`
    throw new StorageError('STORAGE_BAD_URL', message)
  }
  const root = below(rootURL(endpoint ?? `https://${accountName}.blob.core.windows.net`) ?? badEndpoint(shown), bucket)
  if (sasToken) root.search = sasToken.replace(/^\?/, '')
  const place: HttpPlace = { root, shown, bucket, meanings: AZURE_MEANINGS }
  const connection = new HttpConnection(place, sasToken ? options : azureOptions(options))
  return listing({ type: 'abs', url: `${shown}/${path}` }, connection, { dialect: azureDialect, layout: 'ltx', path })
}

function listing(
  place: { readonly type: string; readonly url: string },
  connection: HttpConnection,
  found: ConstructorParameters<typeof ListingFinder>[1],
): HttpReplica {
  return new HttpReplica(place, connection, new ListingFinder(connection, found))
}

function azureOptions(options: HttpOptions): HttpOptions {
  return { ...options, headers: { ...AZURE_HEADERS, ...options.headers } }
}

function rootURL(text: string): URL | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined
  return url && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '' ? url : undefined
}

function below(root: URL, bucket: string): URL {
  root.pathname = `${root.pathname.replace(/\/+$/, '')}/${encodeURIComponent(bucket)}`
  return root
}

function badEndpoint(shown: string): never {
  throw new StorageError('STORAGE_BAD_URL', `Cannot open ${shown}: its endpoint must be https://host or http://host`)
}
