import { GetBucketLocationCommand, S3Client, type S3ClientConfig } from '@aws-sdk/client-s3'
import { answerCollector } from './collect-answer.ts'
import { addDebug } from './debug.ts'
import { retryStrategy } from './retry-strategy.ts'
import { s3Error } from './s3-error.ts'
import type { S3Settings } from './settings.ts'

const DEFAULT_REGION = 'us-east-1'
const CONNECT_TIMEOUT_MS = 30_000
/** Well above what one reader has in flight: a request queued for a socket counts as one that does not connect. */
const MAX_SOCKETS = 256

/** What of a replica's settings its SDK client depends on: replicas that agree in it can share one. */
export type ClientSettings = Pick<
  S3Settings,
  | 'region'
  | 'endpoint'
  | 'credentials'
  | 'provider'
  | 'forcePathStyle'
  | 'skipVerify'
  | 'signPayload'
  | 'requireContentMD5'
  | 'directoryBucket'
  | 'maxAttempts'
  | 'idleTimeoutMs'
  | 'proxyEnv'
  | 'debug'
> & {
  /** To ask for its region. */
  readonly bucket: string
}

/** An SDK client. Nothing is sent yet. */
export function makeSdkClient(settings: ClientSettings): S3Client {
  const client = new S3Client(config(settings, regionOf(settings)))
  addHeaders(client, settings)
  if (settings.provider === 'oss') readOssMetadata(client)
  addDebug(client, settings.debug ?? [])
  return client
}

function config(settings: ClientSettings, region: string | (() => Promise<string>)): S3ClientConfig {
  const agent = { keepAlive: true, maxSockets: MAX_SOCKETS, ...(settings.proxyEnv && { proxyEnv: settings.proxyEnv }) }
  return {
    region,
    ...(settings.endpoint && { endpoint: settings.endpoint, requestChecksumCalculation: 'WHEN_REQUIRED' as const }),
    ...(!settings.endpoint && { followRegionRedirects: true }),
    ...(settings.credentials && { credentials: settings.credentials }),
    // Ranges carry no checksum, and an LTX file has its own.
    responseChecksumValidation: 'WHEN_REQUIRED',
    forcePathStyle: settings.forcePathStyle,
    useArnRegion: true,
    maxAttempts: settings.maxAttempts,
    retryStrategy: retryStrategy({ maxAttempts: settings.maxAttempts, random: Math.random, now: Date.now }),
    streamCollector: answerCollector(settings.idleTimeoutMs),
    // Would open a connection per upload (the SDK does not reuse the ones it waits on).
    expectContinueHeader: false,
    requestHandler: {
      connectionTimeout: CONNECT_TIMEOUT_MS,
      socketTimeout: settings.idleTimeoutMs,
      httpAgent: agent,
      httpsAgent: { ...agent, rejectUnauthorized: !settings.skipVerify },
    },
  }
}

/** Region given, or us-east-1 for foreign servers, or asked from AWS once (and again after a failure). */
function regionOf(settings: ClientSettings): string | (() => Promise<string>) {
  if (settings.region) return settings.region
  if (settings.endpoint) return DEFAULT_REGION
  let pending: Promise<string> | undefined
  return () => {
    pending ??= discoverRegion(settings).catch((error) => {
      pending = undefined
      throw error
    })
    return pending
  }
}

async function discoverRegion(settings: ClientSettings): Promise<string> {
  const client = new S3Client({ ...config(settings, DEFAULT_REGION), followRegionRedirects: false })
  try {
    const { LocationConstraint: region } = await client.send(new GetBucketLocationCommand({ Bucket: settings.bucket }))
    return (region as string) === 'EU' ? 'eu-west-1' : region || DEFAULT_REGION
  } catch (error) {
    const response = (error as { $response?: { headers?: Record<string, string> } }).$response
    const region = response?.headers?.['x-amz-bucket-region'] // told even to those who may not ask
    if (region) return region
    throw s3Error(error, { verb: 'find the region of', settings })
  } finally {
    client.destroy()
  }
}

interface HttpRequest {
  headers: Record<string, string>
  body?: unknown
}

/** Headers that servers need beyond what the SDK sends (facts 2.4). */
function addHeaders(client: S3Client, settings: ClientSettings): void {
  const md5 = settings.requireContentMD5 && !settings.directoryBucket
  client.middlewareStack.add(
    (next, context) => async (args) => {
      const request = args.request as HttpRequest
      const { headers } = request
      const agent = headers['user-agent'] ?? ''
      if (!agent.startsWith('litetap')) headers['user-agent'] = `litetap ${agent}`.trim()
      if (!settings.signPayload) headers['x-amz-content-sha256'] = 'UNSIGNED-PAYLOAD'
      if (settings.provider === 'tigris') headers['X-Tigris-Consistent'] = 'true'
      if (settings.provider === 'gcs') delete headers['accept-encoding']
      if (md5 && context.commandName === 'DeleteObjectsCommand') await replaceChecksum(client, request)
      return next(args)
    },
    { step: 'build', priority: 'low', name: 'litetapHeaders' },
  )
}

/** OSS's own name for user metadata, should it answer with that, under the name that the SDK reads. */
function readOssMetadata(client: S3Client): void {
  client.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args)
      const { headers } = result.response as HttpRequest
      for (const [name, value] of Object.entries(headers)) {
        const own = /^x-oss-meta-(.*)$/i.exec(name)?.[1]
        if (own) headers[`x-amz-meta-${own}`] ??= value
      }
      return result
    },
    { step: 'deserialize', priority: 'low', name: 'litetapOssMetadata' },
  )
}

/** Content-MD5 instead of the SDK's CRC32, which some servers refuse as an unknown header. */
async function replaceChecksum(client: S3Client, request: HttpRequest): Promise<void> {
  const {
    md5: Md5,
    base64Encoder,
    utf8Decoder,
  } = client.config as unknown as {
    md5: new () => { update(data: Uint8Array): void; digest(): Promise<Uint8Array> }
    base64Encoder(data: Uint8Array): string
    utf8Decoder(text: string): Uint8Array
  }
  const hash = new Md5()
  hash.update(typeof request.body === 'string' ? utf8Decoder(request.body) : (request.body as Uint8Array))
  for (const name of Object.keys(request.headers)) {
    if (/^x-amz-(checksum-|sdk-checksum-)/i.test(name)) delete request.headers[name]
  }
  request.headers['content-md5'] = base64Encoder(await hash.digest())
}
