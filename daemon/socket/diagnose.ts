import { stat } from 'node:fs/promises'
import type { DatabaseReport } from '../control.ts'
import type { SyncDiagnostic } from './messages.ts'

/** What a report says of the present work, in the words of Litestream. @param now ms since the Unix epoch */
export async function diagnose(report: DatabaseReport, now: number): Promise<SyncDiagnostic> {
  const { path, txid, figures, trouble } = report
  const activity = figures?.activity
  const walSize = await stat(`${path}-wal`).then(
    ({ size }) => size,
    () => 0,
  )
  const error = activity?.error ?? trouble
  return {
    path,
    active: activity?.active ?? false,
    ...(activity && {
      operation: activity.operation,
      phase: activity.phase,
      started_at: rfc3339(activity.startedAt),
      updated_at: rfc3339(activity.updatedAt),
      elapsed_seconds: ((activity.active ? now : activity.updatedAt) - activity.startedAt) / 1000,
    }),
    ...(txid > 0n && { txid }),
    ...(walSize > 0 && { wal_size: walSize }),
    ...(figures && figures.walBytes > 0 && { last_synced_wal_offset: figures.walBytes }),
    ...(activity?.snapshotting && { snapshotting: true }),
    ...(activity?.checkpointMode && { checkpoint_mode: activity.checkpointMode }),
    ...(error !== undefined && { error }),
  }
}

/** @param ms since the Unix epoch */
export function rfc3339(ms: number): string {
  return new Date(ms).toISOString()
}
