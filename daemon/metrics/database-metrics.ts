import { basename } from 'node:path'
import type { Registry } from 'prom-client'
import type { CheckpointFigures, Figures } from '../../writer/index.ts'
import type { DatabaseReport } from '../control.ts'
import { type Labels, registerCollected, type Sample } from './collect-metric.ts'

type Metric = readonly [
  name: string,
  type: 'counter' | 'gauge',
  help: string,
  of: (report: DatabaseReport) => number | undefined,
]

const figure =
  (of: (figures: Figures) => number) =>
  ({ figures }: DatabaseReport): number | undefined =>
    figures && of(figures)

/** By `db`, the path: Litestream's (facts 8.4), then ours. */
const METRICS: readonly Metric[] = [
  ['litestream_db_size', 'gauge', 'The current size of the database', figure((f) => f.databaseBytes)],
  ['litestream_wal_size', 'gauge', 'The current size of the WAL, as far as copied', figure((f) => f.walBytes)],
  ['litestream_total_wal_bytes', 'counter', 'Bytes of WAL copied', figure((f) => f.totalWalBytes)],
  ['litestream_txid', 'gauge', 'The current transaction ID', ({ txid }) => Number(txid)],
  ['litestream_sync_count', 'counter', 'Number of sync operations performed', figure((f) => f.syncs)],
  ['litestream_sync_error_count', 'counter', 'Number of sync errors that have occurred', figure((f) => f.syncErrors)],
  ['litestream_sync_seconds', 'counter', 'Time spent syncing, in seconds', figure((f) => f.syncSeconds)],
  [
    'litestream_disk_full',
    'gauge',
    'Whether replication is paused because the local disk is full',
    figure((f) => Number(f.diskFull)),
  ],
  [
    'litestream_compaction_verify_error_count',
    'counter',
    'Number of post-compaction verification failures',
    figure((f) => f.compactionVerifyErrors),
  ],
  ['litetap_replicated_txid', 'gauge', 'Last transaction ID durable in the replica', (r) => Number(r.replicatedTXID)],
  [
    'litetap_last_sync_timestamp_seconds',
    'gauge',
    'When the replica last was known to hold all that is local',
    ({ lastSyncAt }) => lastSyncAt && lastSyncAt / 1000,
  ],
  ['litetap_in_trouble', 'gauge', 'Whether replication does not get on', (r) => Number(r.trouble !== undefined)],
]

const CHECKPOINT_METRICS: readonly (readonly [string, string, keyof CheckpointFigures])[] = [
  ['litestream_checkpoint_count', 'Number of checkpoint operations performed', 'count'],
  ['litestream_checkpoint_error_count', 'Number of checkpoint errors that have occurred', 'errors'],
  ['litestream_checkpoint_seconds', 'Time spent checkpointing WAL, in seconds', 'seconds'],
]
const MODES = { PASSIVE: { mode: 'PASSIVE' }, TRUNCATE: { mode: 'TRUNCATE' } } as const

const L0_STATUSES = { eligible: 'eligible', notCompacted: 'not_compacted', tooRecent: 'too_recent' } as const

const STATES = ['replicating', 'open', 'stopped'] as const

const NONE: Labels = {}

/** What is said of databases: the same list until the next scrape. */
export type Reports = () => readonly DatabaseReport[]

/** Register what there is to say of each database, read when it is asked for. */
export function registerDatabaseMetrics(registry: Registry, reports: Reports): void {
  const labelsOf = keptLabels(reports)
  for (const [name, type, help, of] of METRICS) {
    registerCollected(registry, {
      name,
      type,
      help,
      collect: () => reports().flatMap((report) => sample(labelsOf(report.path), NONE, of(report))),
    })
  }
  for (const [name, help, key] of CHECKPOINT_METRICS) {
    registerCollected(registry, {
      name,
      type: 'counter',
      help,
      collect: () => reports().flatMap((report) => checkpointSamples(labelsOf(report.path), report, key)),
    })
  }
  registerCollected(registry, {
    name: 'litestream_l0_retention_files_total',
    type: 'gauge',
    help: 'Number of L0 files by status during retention enforcement',
    collect: () => l0Samples(reports()),
  })
  registerCollected(registry, {
    name: 'litetap_databases',
    type: 'gauge',
    help: 'Number of databases by state',
    collect: () =>
      STATES.map((state) => ({
        sharedLabels: NONE,
        labels: { state },
        value: reports().filter((report) => report.state === state).length,
      })),
  })
}

function sample(sharedLabels: Labels, labels: Labels, value: number | undefined): Sample[] {
  return value === undefined ? [] : [{ sharedLabels, labels, value }]
}

/** A mode has no samples before its first checkpoint, as with Litestream. */
function checkpointSamples(labels: Labels, { figures }: DatabaseReport, key: keyof CheckpointFigures): Sample[] {
  if (!figures) return []
  const { PASSIVE, TRUNCATE } = figures.checkpoints
  const samples: Sample[] = []
  if (PASSIVE.count > 0) samples.push({ sharedLabels: labels, labels: MODES.PASSIVE, value: PASSIVE[key] })
  if (TRUNCATE.count > 0) samples.push({ sharedLabels: labels, labels: MODES.TRUNCATE, value: TRUNCATE[key] })
  return samples
}

/** By the file's name alone (facts 8.4): databases of the same name in several folders are counted together. */
function l0Samples(reports: readonly DatabaseReport[]): Sample[] {
  const totals = new Map<string, { eligible: number; notCompacted: number; tooRecent: number }>()
  for (const { path, figures } of reports) {
    if (!figures?.l0) continue
    const name = basename(path)
    const total = totals.get(name) ?? { eligible: 0, notCompacted: 0, tooRecent: 0 }
    total.eligible += figures.l0.eligible
    total.notCompacted += figures.l0.notCompacted
    total.tooRecent += figures.l0.tooRecent
    totals.set(name, total)
  }
  return [...totals].flatMap(([db, total]) =>
    Object.entries(L0_STATUSES).map(([key, status]) => ({
      sharedLabels: NONE,
      labels: { db, status },
      value: total[key as keyof typeof L0_STATUSES],
    })),
  )
}

/** The labels of each database, kept for as long as it is there. */
function keptLabels(reports: Reports): (path: string) => Labels {
  let kept = new Map<string, Labels>()
  let seen: readonly DatabaseReport[] = []
  return (path) => {
    const now = reports()
    if (now !== seen) {
      kept = new Map(now.map((report) => [report.path, kept.get(report.path) ?? { db: report.path }]))
      seen = now
    }
    return kept.get(path)!
  }
}
