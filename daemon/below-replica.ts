import { posix } from 'node:path'
import type { ReplicaSettings } from '../storage/replica-settings.ts'

/**
 * The replica of a database found in a folder: the folder's, with the relative path behind it (facts 8.6).
 * A NATS bucket has no paths: there can be but one database in it.
 */
export function belowReplica(replica: ReplicaSettings, relativePath: string): ReplicaSettings {
  if (replica.type === 'nats') return replica
  return { ...replica, path: posix.join(replica.path ?? '', relativePath) } as ReplicaSettings
}
