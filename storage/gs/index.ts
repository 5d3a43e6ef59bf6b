export { GsReplica } from './gs-replica.ts'
export type { GsReplicaOptions } from './settings.ts'
