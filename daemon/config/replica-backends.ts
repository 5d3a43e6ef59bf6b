import type {
  AbsSettings,
  FileSettings,
  GsSettings,
  NatsSettings,
  OssSettings,
  ReplicaSettings,
  S3ReplicaSettings,
  SftpSettings,
  WebdavSettings,
} from '../../storage/replica-settings.ts'
import { MIN_PART_SIZE, resolveSettings } from '../../storage/s3/settings.ts'
import type { S3URL } from '../../storage/s3-url.ts'
import type { AbsURL, FileURL, GsURL, NatsURL, OssURL, SftpURL, WebdavURL } from '../../storage/url.ts'
import { expandPath } from './expand-path.ts'
import type { ReplicaContext, ReplicaInput, ReplicaValues } from './replica-values.ts'
import { sseCustomerKey } from './sse-customer-key.ts'

export type ReplicaType = ReplicaSettings['type']

/** Turn values into settings; undefined when something is missing or wrong, which `mistakes` then says. */
type Backend = (input: ReplicaInput, context: ReplicaContext) => ReplicaSettings | undefined

/** A URL of the type's own scheme came with the type, so that each may take its own. */
export const BACKENDS: Readonly<Record<ReplicaType, Backend>> = {
  file: (input, context) => file(input as ReplicaInput<FileURL>, context),
  s3: (input, context) => s3(input as ReplicaInput<S3URL>, context),
  gs: (input, context) => gs(input as ReplicaInput<GsURL>, context),
  abs: (input, context) => abs(input as ReplicaInput<AbsURL>, context),
  sftp: (input, context) => sftp(input as ReplicaInput<SftpURL>, context),
  webdav: (input, context) => webdav(input as ReplicaInput<WebdavURL>, context),
  nats: (input, context) => nats(input as ReplicaInput<NatsURL>, context),
  oss: (input, context) => oss(input as ReplicaInput<OssURL>, context),
}

function file({ entry, values, url }: ReplicaInput<FileURL>, context: ReplicaContext): FileSettings | undefined {
  const path = values.path?.value ?? url?.path
  if (path === undefined) return missing(entry, context, 'path, or url')
  return { type: 'file', path: expandPath(path, context.base) }
}

function s3(input: ReplicaInput<S3URL>, context: ReplicaContext): S3ReplicaSettings | undefined {
  const { entry, values, url } = input
  const bucket = values.bucket?.value ?? url?.bucket
  if (bucket === undefined) return missing(entry, context, 'bucket, or url')
  const partSize = values['part-size']
  if (partSize && partSize.value < MIN_PART_SIZE) {
    context.mistakes.add(
      partSize,
      `${context.path}.part-size: expected 5MiB or more for s3, got ${partSize.value} bytes`,
    )
    return undefined
  }
  const { scheme: _, ...fromURL } = url ?? { scheme: 's3', bucket }
  const accessKeyId = values['access-key-id']?.value
  const secretAccessKey = values['secret-access-key']?.value
  const endpoint = values.endpoint?.value
  const key = sseCustomerKey(values, context)
  const settings: S3ReplicaSettings = {
    type: 's3',
    ...fromURL,
    bucket,
    path: values.path?.value ?? url?.path ?? '',
    ...(endpoint !== undefined && { endpoint, forcePathStyle: true }),
    ...present({
      region: values.region?.value,
      forcePathStyle: values['force-path-style']?.value,
      signPayload: values['sign-payload']?.value,
      requireContentMD5: values['require-content-md5']?.value,
      skipVerify: values['skip-verify']?.value,
      storageClass: values['storage-class']?.value,
      partSize: partSize?.value,
      concurrency: values.concurrency?.value,
      sseCustomerKey: key,
      sseCustomerAlgorithm: key === undefined ? undefined : values['sse-customer-algorithm']?.value,
      sseKmsKeyId: values['sse-kms-key-id']?.value,
    }),
    ...(accessKeyId !== undefined &&
      secretAccessKey !== undefined && { credentials: { accessKeyId, secretAccessKey } }),
  }
  return checkedS3(settings, input, context)
}

/** The store's own rules, told where the file can be corrected. */
function checkedS3(
  settings: S3ReplicaSettings,
  { entry, values }: ReplicaInput<S3URL>,
  context: ReplicaContext,
): S3ReplicaSettings | undefined {
  try {
    resolveSettings(settings)
    return settings
  } catch (error) {
    if (!(error instanceof Error)) throw error
    context.mistakes.add(values['sse-customer-key']?.keySpan ?? entry.keySpan, `${context.path}: ${error.message}`)
    return undefined
  }
}

function gs({ entry, values, url }: ReplicaInput<GsURL>, context: ReplicaContext): GsSettings | undefined {
  const bucket = values.bucket?.value ?? url?.bucket
  if (bucket === undefined) return missing(entry, context, 'bucket, or url')
  return { type: 'gs', bucket, path: values.path?.value ?? url?.path ?? '' }
}

function abs({ entry, values, url }: ReplicaInput<AbsURL>, context: ReplicaContext): AbsSettings | undefined {
  const bucket = values.bucket?.value ?? url?.bucket
  if (bucket === undefined) return missing(entry, context, 'bucket, or url')
  return {
    type: 'abs',
    bucket,
    path: values.path?.value ?? url?.path ?? '',
    ...present({
      accountName: values['account-name']?.value ?? url?.accountName,
      accountKey: values['account-key']?.value,
      sasToken: values['sas-token']?.value,
      endpoint: values.endpoint?.value,
    }),
  }
}

function sftp({ entry, values, url }: ReplicaInput<SftpURL>, context: ReplicaContext): SftpSettings | undefined {
  const host = values.host?.value ?? url?.host
  const user = values.user?.value ?? url?.user
  if (host === undefined) return missing(entry, context, 'host, or url')
  if (user === undefined) return missing(entry, context, 'user')
  return {
    type: 'sftp',
    host,
    user,
    path: values.path?.value ?? url?.path ?? '',
    ...present({
      password: values.password?.value ?? url?.password,
      keyPath: values['key-path']?.value,
      hostKey: values['host-key']?.value,
      concurrentWrites: values['concurrent-writes']?.value,
    }),
  }
}

function webdav({ entry, values, url }: ReplicaInput<WebdavURL>, context: ReplicaContext): WebdavSettings | undefined {
  const endpoint = values['webdav-url']?.value ?? url?.endpoint
  if (endpoint === undefined) return missing(entry, context, 'webdav-url, or url')
  return {
    type: 'webdav',
    endpoint,
    path: values.path?.value ?? url?.path ?? '',
    ...present({
      user: values['webdav-username']?.value ?? url?.user,
      password: values['webdav-password']?.value ?? url?.password,
    }),
  }
}

/** What a NATS client connects to when nobody says anything else. */
const NATS_SERVER = 'nats://127.0.0.1:4222'

function nats({ entry, values, url }: ReplicaInput<NatsURL>, context: ReplicaContext): NatsSettings | undefined {
  const bucket = url?.bucket ?? values.bucket?.value
  if (bucket === undefined) return missing(entry, context, 'bucket, or url')
  const { 'client-cert': cert, 'client-key': key } = values
  if ((cert === undefined) !== (key === undefined)) {
    context.mistakes.addMissing(
      entry,
      (cert ?? key)!.keySpan,
      `${context.path}: client-cert and client-key go together, one is missing`,
    )
    return undefined
  }
  if (values.path)
    context.mistakes.warn(values.path.keySpan, `${context.path}.path has no effect: nats has no paths below a bucket`)
  return {
    type: 'nats',
    server: url?.server ?? NATS_SERVER,
    bucket,
    ...present({
      jwt: values.jwt?.value,
      seed: values.seed?.value,
      creds: values.creds?.value,
      nkey: values.nkey?.value,
      user: values.username?.value ?? url?.user,
      password: values.password?.value ?? url?.password,
      token: values.token?.value,
      tls: values.tls?.value,
      rootCAs: values['root-cas']?.value,
      clientCert: cert?.value,
      clientKey: key?.value,
      maxReconnects: values['max-reconnects']?.value,
      reconnectWaitMs: values['reconnect-wait']?.value,
      timeoutMs: values.timeout?.value,
    }),
  }
}

function oss({ entry, values, url }: ReplicaInput<OssURL>, context: ReplicaContext): OssSettings | undefined {
  const bucket = values.bucket?.value ?? url?.bucket
  if (bucket === undefined) return missing(entry, context, 'bucket, or url')
  return {
    type: 'oss',
    bucket,
    path: values.path?.value ?? url?.path ?? '',
    ...present({
      region: values.region?.value ?? url?.region,
      endpoint: values.endpoint?.value ?? url?.endpoint,
      accessKeyId: values['access-key-id']?.value,
      accessKeySecret: values['secret-access-key']?.value,
      partSize: values['part-size']?.value,
      concurrency: values.concurrency?.value,
    }),
  }
}

function missing(entry: ReplicaInput['entry'], { mistakes, path }: ReplicaContext, what: string): undefined {
  mistakes.addMissing(entry, entry.keySpan, `${path}: expected ${what}, and it is missing`)
  return undefined
}

type Present<T> = { [K in keyof T]?: Exclude<T[K], undefined> }

/** Without what was not given. */
function present<T extends object>(values: T): Present<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Present<T>
}

/** The values of a replica that name a place, as its URL does; which of them a type knows. */
export const EXCLUDED_BY_URL: Readonly<Record<ReplicaType, readonly (keyof ReplicaValues)[]>> = {
  file: ['path'],
  s3: ['path', 'bucket'],
  gs: ['path', 'bucket'],
  abs: ['path', 'bucket'],
  sftp: ['path', 'host'],
  webdav: ['path', 'webdav-url'],
  nats: [],
  oss: ['path', 'bucket'],
}

/** Two replicas of one place have one text. */
export function replicaPlace(settings: ReplicaSettings): string {
  const path = 'path' in settings ? (settings.path ?? '').replace(/^\/+|\/+$/g, '') : ''
  switch (settings.type) {
    case 'file':
    case 'gs':
    case 'oss':
      return JSON.stringify([settings.type, 'bucket' in settings ? settings.bucket : '', path])
    case 's3':
      return JSON.stringify([settings.type, settings.endpoint ?? '', settings.bucket, path])
    case 'abs':
      return JSON.stringify([settings.type, settings.accountName ?? '', settings.endpoint ?? '', settings.bucket, path])
    case 'sftp':
      return JSON.stringify([settings.type, settings.host, settings.user ?? '', path])
    case 'webdav':
      return JSON.stringify([settings.type, settings.endpoint, path])
    case 'nats':
      return JSON.stringify([settings.type, settings.server, settings.bucket])
  }
}
