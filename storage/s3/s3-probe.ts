import {
  GetBucketLifecycleConfigurationCommand,
  GetBucketVersioningCommand,
  type LifecycleRule,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import { StorageError } from '../errors.ts'
import { joinPath } from '../keys.ts'
import { type ExpiryRule, PROBE_FOLDER, type StoreProbe } from '../probe.ts'
import type { ByteStream, OpenOptions } from '../types.ts'
import { isConditionUnsupported } from './conditional.ts'
import { abortable, type S3Connection } from './connection.ts'
import { deleteObjects } from './delete.ts'
import { readObject } from './read.ts'
import { s3Error, s3ErrorName } from './s3-error.ts'
import { customerKey } from './settings.ts'

/** Small objects below `<path>/litetap/`, and what the bucket says of itself. */
export class S3Probe implements StoreProbe {
  readonly #connection: S3Connection

  constructor(connection: S3Connection) {
    this.#connection = connection
  }

  async put(name: string, body: Uint8Array, options: { exclusive: boolean; signal?: AbortSignal }): Promise<void> {
    const { client, settings } = this.#connection
    const input = { Bucket: settings.bucket, Key: this.#key(name), Body: body, ContentLength: body.length }
    const condition = options.exclusive ? { IfNoneMatch: '*' } : {}
    try {
      const command = new PutObjectCommand({ ...input, ...customerKey(settings), ...condition })
      await client.send(command, abortable(options.signal))
    } catch (error) {
      if (options.exclusive && isConditionUnsupported(error)) {
        const message = `s3://${settings.bucket} has no conditional writes`
        throw new StorageError('STORAGE_NO_CONDITIONAL_WRITES', message, { cause: error })
      }
      throw this.#error(error, 'write', options.signal, input.Key)
    }
  }

  get(name: string, options: OpenOptions = {}): Promise<ByteStream | undefined> {
    return readObject(this.#connection, this.#key(name), options)
  }

  async delete(name: string, signal?: AbortSignal): Promise<void> {
    await deleteObjects(this.#connection, [this.#key(name)], signal)
  }

  async clock(signal?: AbortSignal): Promise<number | undefined> {
    const { client, settings } = this.#connection
    const { path } = settings
    const command = new ListObjectsV2Command({ Bucket: settings.bucket, MaxKeys: 1, Prefix: `${path}/` })
    let date: string | undefined
    command.middlewareStack.add(
      (next) => async (args) => {
        const result = await next(args)
        date = (result.response as { headers?: Record<string, string> }).headers?.date
        return result
      },
      { step: 'deserialize', priority: 'low', name: 'litetapClock' },
    )
    try {
      await client.send(command, abortable(signal))
    } catch (error) {
      // A clock that is wrong is refused, and the refusal has the time.
      date ??= (error as { $response?: { headers?: Record<string, string> } }).$response?.headers?.date
      if (date === undefined) throw this.#error(error, 'list', signal)
    }
    const ms = Date.parse(date ?? '')
    return Number.isNaN(ms) ? undefined : ms
  }

  async expiryRules(signal?: AbortSignal): Promise<readonly ExpiryRule[]> {
    const { client, settings } = this.#connection
    try {
      const command = new GetBucketLifecycleConfigurationCommand({ Bucket: settings.bucket })
      const { Rules = [] } = await client.send(command, abortable(signal))
      return Rules.flatMap((rule) => expiryRule(rule) ?? []).filter((rule) => touches(rule.prefix, settings.path))
    } catch (error) {
      if (s3ErrorName(error) === 'NoSuchLifecycleConfiguration') return []
      throw this.#error(error, 'read the lifecycle rules of', signal)
    }
  }

  async keepsVersions(signal?: AbortSignal): Promise<boolean> {
    const { client, settings } = this.#connection
    try {
      const command = new GetBucketVersioningCommand({ Bucket: settings.bucket })
      return (await client.send(command, abortable(signal))).Status === 'Enabled'
    } catch (error) {
      throw this.#error(error, 'ask for the versioning of', signal)
    }
  }

  #key(name: string): string {
    return joinPath(this.#connection.settings.path, PROBE_FOLDER, name)
  }

  #error(error: unknown, verb: string, signal: AbortSignal | undefined, key?: string): unknown {
    const { settings } = this.#connection
    return s3Error(error, { verb, settings, signal, ...(key !== undefined && { key }) })
  }
}

function expiryRule({ ID, Status, Prefix, Filter, Expiration }: LifecycleRule): ExpiryRule | undefined {
  const { Days, Date: date } = Expiration ?? {}
  if (Status !== 'Enabled' || (Days === undefined && date === undefined)) return undefined
  return { id: ID ?? '', prefix: Filter?.Prefix ?? Filter?.And?.Prefix ?? Prefix ?? '', days: Days ?? 0 }
}

/** True when a rule for `prefix` can meet a key below `path`. */
function touches(prefix: string, path: string): boolean {
  return `${path}/`.startsWith(prefix) || prefix.startsWith(`${path}/`)
}
