import {
  abortSignal,
  anyNumber,
  anyObject,
  atLeast,
  type Check,
  callback,
  flag,
  has,
  objectOf,
  oneOf,
  type Shape,
  shown,
  someText,
  text,
  wholeNumber,
} from '../arguments/index.ts'
import { MAX_TXID } from '../ltx/index.ts'
import { replicaClient } from '../storage/index.ts'
import { WriterError } from './errors.ts'
import type { FollowOptions } from './follow.ts'
import type { ReplicatorOptions } from './replicator.ts'
import type { RestoreOptions } from './restore.ts'
import type { ReplicatorSettings } from './settings.ts'

const list: Check = (value, name) =>
  Array.isArray(value) ? undefined : `${name} must be a list, but is ${shown(value)}`

const txid: Check = (value, name) => {
  const fits = typeof value === 'bigint' && value >= 0n && value <= MAX_TXID
  return fits ? undefined : `${name} must be a bigint from 0 to 2^64 - 1, but is ${shown(value)}`
}

const log: Check = (value, name) =>
  has(value, 'debug', 'info', 'warn', 'error') ? undefined : `${name} must have debug, info, warn and error`

const SETTINGS: Shape<ReplicatorSettings> = {
  busyTimeoutMs: atLeast(0),
  checkpointIntervalMs: atLeast(0),
  minCheckpointPages: anyNumber,
  truncatePages: anyNumber,
  maxSyncWalBytes: atLeast(0),
  monitorIntervalMs: atLeast(0),
  minSyncIntervalMs: atLeast(0),
  syncIntervalMs: atLeast(0),
  shutdownSyncTimeoutMs: atLeast(0),
  shutdownSyncIntervalMs: atLeast(0),
  levels: list,
  snapshotIntervalMs: atLeast(0),
  snapshotRetentionMs: atLeast(0),
  l0RetentionMs: atLeast(0),
  l0RetentionCheckIntervalMs: atLeast(0),
  retentionEnabled: flag,
  maxSyncLtxFiles: atLeast(0),
  autoRecover: flag,
  verifyCompaction: flag,
}

const REPLICATOR: Shape<ReplicatorOptions> = {
  dbPath: someText,
  client: replicaClient,
  settings: objectOf(SETTINGS),
  form: oneOf('block', 'legacy'),
  log,
  metaPath: text,
  figures: anyObject,
  lease: anyObject,
  onDurable: callback,
  host: anyObject,
  backend: text,
}

const integrityCheck = oneOf('none', 'quick', 'full')

const RESTORE: Shape<RestoreOptions> = {
  txid,
  timestamp: anyNumber,
  force: flag,
  integrityCheck,
  parallelism: wholeNumber(1),
  dryRun: flag,
  onProgress: callback,
  onWarning: callback,
  signal: abortSignal,
  now: callback,
}

const FOLLOW: Shape<FollowOptions> = {
  parallelism: wholeNumber(1),
  integrityCheck,
  onProgress: callback,
  onWarning: callback,
  intervalMs: atLeast(0),
  signal: abortSignal,
  onEvent: callback,
  now: callback,
  sleep: callback,
}

const replicatorOptions = objectOf(REPLICATOR)
const restoreOptions = objectOf(RESTORE)
const followOptions = objectOf(FOLLOW)
const resetOptions = objectOf({ dryRun: flag, metaPath: text })

/** @throws WriterError WRITER_USAGE */
export function checkReplicator(options: unknown): void {
  const missing = (): string | undefined => {
    const { dbPath, client } = options as Partial<ReplicatorOptions>
    return someText(dbPath, 'dbPath') ?? replicaClient(client, 'client')
  }
  refuseIf(replicatorOptions(options, 'options') ?? missing(), 'replicate')
}

/** @throws WriterError WRITER_USAGE */
export function checkRestore(client: unknown, output: unknown, options: unknown): void {
  const complaint =
    replicaClient(client, 'the client') ?? someText(output, 'the output') ?? restoreOptions(options, 'options')
  refuseIf(complaint, 'restore')
}

/** @throws WriterError WRITER_USAGE */
export function checkFollow(client: unknown, output: unknown, options: unknown): void {
  const complaint =
    replicaClient(client, 'the client') ?? someText(output, 'the output') ?? followOptions(options, 'options')
  refuseIf(complaint, 'follow')
}

/** @throws WriterError WRITER_USAGE */
export function checkReset(databasePath: unknown, options: unknown): void {
  refuseIf(someText(databasePath, "the database's path") ?? resetOptions(options, 'options'), 'reset')
}

function refuseIf(complaint: string | undefined, doing: string): void {
  if (complaint !== undefined) throw new WriterError('WRITER_USAGE', `Cannot ${doing}: ${complaint}`)
}
