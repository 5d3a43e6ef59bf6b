import type { FileModes } from './file/durable.ts'
import type { S3ReplicaOptions } from './s3/settings.ts'

/** A folder. */
export interface FileSettings extends FileModes {
  readonly type: 'file'
  /** Absolute path. */
  readonly path: string
}

/** S3 and what speaks its protocol. */
export interface S3ReplicaSettings extends S3ReplicaOptions {
  readonly type: 's3'
  /** Of a file that holds `sseCustomerKey`, and wins over it. */
  readonly sseCustomerKeyPath?: string
}

/** Google Cloud Storage. Credentials come from the environment (application default credentials). */
export interface GsSettings {
  readonly type: 'gs'
  readonly bucket: string
  readonly path: string
  /** `http[s]://host[:port]`; over plain HTTP, as emulators have it, no credentials are sent. Default: Google's. */
  readonly endpoint?: string
}

/** Azure Blob Storage. Which of the credentials counts: facts 2.7. */
export interface AbsSettings {
  readonly type: 'abs'
  /** Container. */
  readonly bucket: string
  readonly path: string
  readonly accountName?: string
  /** Secret. */
  readonly accountKey?: string
  /** Secret. */
  readonly sasToken?: string
  /** Default: `https://<account>.blob.core.windows.net`. */
  readonly endpoint?: string
}

export interface SftpSettings {
  readonly type: 'sftp'
  /** With the port if it is not 22. */
  readonly host: string
  readonly path: string
  readonly user?: string
  /** Secret. */
  readonly password?: string
  /** Of a private key file. */
  readonly keyPath?: string
  /** The server's public key, as in known_hosts: `ssh-ed25519 AAAA...`. */
  readonly hostKey?: string
  /** Several writes of one file in flight. Default true. */
  readonly concurrentWrites?: boolean
}

export interface WebdavSettings {
  readonly type: 'webdav'
  /** `http[s]://host[:port][/base]`. */
  readonly endpoint: string
  readonly path: string
  readonly user?: string
  /** Secret. */
  readonly password?: string
}

export interface NatsSettings {
  readonly type: 'nats'
  /** `nats://host[:port]`. */
  readonly server: string
  /** There is no path below a bucket (facts 2.10). */
  readonly bucket: string
  /** Secret, as are the next ones. The first complete one counts, in this order: jwt and seed, creds, nkey, user and password, token. */
  readonly jwt?: string
  readonly seed?: string
  /** Path of a credentials file. */
  readonly creds?: string
  readonly nkey?: string
  readonly user?: string
  readonly password?: string
  readonly token?: string
  readonly tls?: boolean
  /** Paths of PEM files. */
  readonly rootCAs?: readonly string[]
  /** Path of a PEM file, as `clientKey`; they go together. */
  readonly clientCert?: string
  readonly clientKey?: string
  /** -1: for ever. Default -1. */
  readonly maxReconnects?: number
  /** Default 2000. */
  readonly reconnectWaitMs?: number
  /** Default 10 000. */
  readonly timeoutMs?: number
}

/** Alibaba Cloud OSS. */
export interface OssSettings {
  readonly type: 'oss'
  readonly bucket: string
  readonly path: string
  /** Default cn-hangzhou. */
  readonly region?: string
  readonly endpoint?: string
  readonly accessKeyId?: string
  /** Secret. */
  readonly accessKeySecret?: string
  /** Secret, with temporary keys. */
  readonly sessionToken?: string
  /** Bytes. */
  readonly partSize?: number
  readonly concurrency?: number
  /** Attempts per request, the first included. Default 10. */
  readonly maxAttempts?: number
}

/**
 * Where one database's replica is, and how to get in: what a URL and the environment say, or an entry of a
 * configuration file. Plain data; holds secrets.
 */
export type ReplicaSettings =
  | FileSettings
  | S3ReplicaSettings
  | GsSettings
  | AbsSettings
  | SftpSettings
  | WebdavSettings
  | NatsSettings
  | OssSettings
