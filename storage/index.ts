export type { AbsReplica, AbsReplicaOptions } from './abs/index.ts'
export type { RetryOptions } from './backoff.ts'
export { readAll } from './body.ts'
export {
  CATALOG_NAME,
  type Catalog,
  decodeCatalog,
  encodeCatalog,
  type Layout,
  layoutKey,
  layoutOf,
  layoutPath,
  PAGE_MAP_NAME,
  type PageMapEntry,
  type SidecarName,
  sidecarKey,
} from './catalog.ts'
export type { StorageErrorAt, StorageErrorCode, StorageErrorOptions } from './errors.ts'
export { isStorageError, StorageError } from './errors.ts'
export type { FileModes } from './file/durable.ts'
export type { FileReplica, FileReplicaOptions } from './file/file-replica.ts'
export type { GsReplica, GsReplicaOptions } from './gs/index.ts'
export type { CredentialsSource, HttpOptions, HttpReplica, StoreOptions } from './http/index.ts'
export { decodeLease, Lease, type LeaseOptions, type LeaseState } from './lease.ts'
export { lent } from './lent-client.ts'
export {
  type MemoryBucket,
  type MemoryObject,
  MemoryReplica,
  type MemoryReplicaOptions,
  memoryReplica,
} from './memory.ts'
export {
  isObservable,
  type Observable,
  type RequestObserver,
  type RequestOutcome,
  type RequestVerb,
} from './observe.ts'
export type { ExpiryRule, StoreProbe } from './probe.ts'
export { redactURL } from './redact-url.ts'
export { replicaClient } from './replica-client.ts'
export { RetryingReader } from './retrying-reader.ts'
export type { S3Replica } from './s3/s3-replica.ts'
export type { S3Credentials, S3ReplicaOptions } from './s3/settings.ts'
export type { S3URL } from './s3-url.ts'
export { formatTimestamp, parseTimestamp } from './timestamp.ts'
export type {
  ByteStream,
  LeaseStore,
  ListOptions,
  LtxFileInfo,
  LtxFileName,
  OpenOptions,
  ReplicaClient,
  Watch,
  WriteOptions,
} from './types.ts'
export type { AbsURL, FileURL, GsURL, HttpURL, NatsURL, OssURL, ReplicaURL, SftpURL, WebdavURL } from './url.ts'
export type { V3File, V3FileInfo, V3Store } from './v3.ts'
export { RequestCounts, withCounting } from './with-counting.ts'
export { withRetry } from './with-retry.ts'
