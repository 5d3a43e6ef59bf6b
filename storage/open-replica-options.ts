import {
  anyNumber,
  anyObject,
  callback,
  eitherOf,
  flag,
  objectOf,
  oneOf,
  type Shape,
  text,
} from '../arguments/index.ts'
import { StorageError } from './errors.ts'
import type { FileModes } from './file/durable.ts'
import type { HttpOptions } from './http/connection.ts'
import { HTTP_OPTIONS } from './http/http-options.ts'
import type { S3ReplicaOptions } from './s3/settings.ts'
import type { SettingsOptions } from './settings-of-url.ts'

/** What is of `HttpOptions` is for `https://`, as in browsers. */
export interface OpenReplicaOptions extends HttpOptions, SettingsOptions {}

const S3: Shape<Omit<S3ReplicaOptions, 'bucket'>> = {
  scheme: oneOf('s3', 'oss'),
  path: text,
  region: text,
  endpoint: text,
  provider: text,
  forcePathStyle: flag,
  skipVerify: flag,
  signPayload: flag,
  requireContentMD5: flag,
  concurrency: anyNumber,
  partSize: anyNumber,
  storageClass: text,
  sseCustomerAlgorithm: text,
  sseCustomerKey: text,
  sseCustomerKeyMD5: text,
  sseKmsKeyId: text,
  credentials: eitherOf('credentials', anyObject, callback),
  maxAttempts: anyNumber,
  idleTimeoutMs: anyNumber,
  metadataConcurrency: anyNumber,
  listPageSize: anyNumber,
  proxyEnv: anyObject,
  debug: eitherOf('a list', (value, name) => (Array.isArray(value) ? undefined : name)),
}

const FILE: Shape<FileModes> = { mode: anyNumber, dirMode: anyNumber, uid: anyNumber, gid: anyNumber }

/** What the options of `openReplica` may be. Their ranges are each store's business. */
export const OPEN_REPLICA_OPTIONS: Shape<OpenReplicaOptions> = {
  ...HTTP_OPTIONS,
  env: anyObject,
  s3: objectOf(S3),
  file: objectOf(FILE),
}

const openReplicaOptions = objectOf(OPEN_REPLICA_OPTIONS)

/** @throws StorageError STORAGE_BAD_OPTION */
export function checkOpenReplica(options: unknown): void {
  const complaint = openReplicaOptions(options, 'options')
  if (complaint !== undefined) throw new StorageError('STORAGE_BAD_OPTION', `Cannot open a replica: ${complaint}`)
}
