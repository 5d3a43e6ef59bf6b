export { AbsReplica } from './abs-replica.ts'
export type { AbsReplicaOptions } from './settings.ts'
