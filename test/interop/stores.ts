import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import {
  CreateBucketCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  S3Client,
} from '@aws-sdk/client-s3'
import { startCephS3 } from '../servers/ceph-s3.ts'

export const STORE_KINDS = ['file', 's3'] as const
export type StoreKind = (typeof STORE_KINDS)[number]

/** One LTX object as the store itself lists it, read without any code of the programs under test. */
export interface StoredFile {
  readonly level: number
  /** `<min>-<max>.ltx` */
  readonly name: string
  readonly size: number
}

/** A real object store, and an independent look at what is in it. `replica` names one database's prefix. */
export interface Store {
  readonly kind: StoreKind
  /** What the programs need in their environment. */
  readonly env: Readonly<Record<string, string>>
  url(replica: string): string
  /** One level in name order. */
  list(replica: string, level: number): Promise<readonly StoredFile[]>
  read(replica: string, file: StoredFile): Promise<Buffer>
  /** The object's `litestream-timestamp` metadata; undefined where the store has no metadata or the object none. */
  timestamp(replica: string, file: StoredFile): Promise<string | undefined>
  stop(): Promise<void>
}

export interface StoreOptions {
  /** Where a file store keeps its replicas. */
  readonly dir: string
  /** Room of an S3 store, in bytes of memory. */
  readonly memoryBytes?: number
}

export function startStore(kind: StoreKind, options: StoreOptions): Promise<Store> {
  return kind === 'file' ? startFileStore(options) : startS3Store(options)
}

async function startFileStore({ dir }: StoreOptions): Promise<Store> {
  mkdirSync(dir, { recursive: true })
  const folder = (replica: string, level: number) => join(dir, replica, 'ltx', String(level))
  return {
    kind: 'file',
    env: {},
    url: (replica) => pathToFileURL(join(dir, replica)).href,
    list: async (replica, level) => listFolder(folder(replica, level), level),
    read: async (replica, { level, name }) => readFileSync(join(folder(replica, level), name)),
    timestamp: async () => undefined,
    stop: async () => {},
  }
}

function listFolder(folder: string, level: number): readonly StoredFile[] {
  const files: StoredFile[] = []
  for (const name of readdirIfPresent(folder)) {
    if (!name.endsWith('.ltx')) continue
    const size = statSync(join(folder, name), { throwIfNoEntry: false })?.size
    if (size !== undefined) files.push({ level, name, size })
  }
  return files
}

function readdirIfPresent(folder: string): readonly string[] {
  try {
    return readdirSync(folder).sort()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

const BUCKET = 'litetap'

async function startS3Store({ memoryBytes }: StoreOptions): Promise<Store> {
  const server = await startCephS3(memoryBytes === undefined ? {} : { memoryBytes })
  const { endpoint, accessKeyId, secretAccessKey } = server
  const client = new S3Client({
    endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  })
  await client.send(new CreateBucketCommand({ Bucket: BUCKET }))
  const prefix = (replica: string, level: number) => `${replica}/${level.toString(16).padStart(4, '0')}/`
  const object = (replica: string, { level, name }: StoredFile) => ({
    Bucket: BUCKET,
    Key: prefix(replica, level) + name,
  })
  return {
    kind: 's3',
    env: { LITESTREAM_ACCESS_KEY_ID: accessKeyId, LITESTREAM_SECRET_ACCESS_KEY: secretAccessKey },
    url: (replica) => s3Url(endpoint, replica),
    list: (replica, level) => listPrefix(client, prefix(replica, level), level),
    read: async (replica, file) => {
      const reply = await client.send(new GetObjectCommand(object(replica, file)))
      return Buffer.from(await reply.Body!.transformToByteArray())
    },
    timestamp: async (replica, file) => {
      const reply = await client.send(new HeadObjectCommand(object(replica, file)))
      return reply.Metadata?.['litestream-timestamp']
    },
    stop: async () => {
      client.destroy()
      await server.stop()
    },
  }
}

/** The replica's URL on the S3 server at `endpoint`, in Litestream's spelling. */
export function s3Url(endpoint: string, replica: string): string {
  const query = new URLSearchParams({ endpoint, forcePathStyle: 'true', region: 'us-east-1' })
  return `s3://${BUCKET}/${replica}?${query}`
}

async function listPrefix(client: S3Client, prefix: string, level: number): Promise<readonly StoredFile[]> {
  const files: StoredFile[] = []
  let token: string | undefined
  do {
    const input = { Bucket: BUCKET, Prefix: prefix, ...(token === undefined ? {} : { ContinuationToken: token }) }
    const page = await client.send(new ListObjectsV2Command(input))
    for (const { Key, Size } of page.Contents ?? []) {
      files.push({ level, name: Key!.slice(prefix.length), size: Size! })
    }
    token = page.NextContinuationToken
  } while (token !== undefined)
  return files
}
