export type { HttpOptions } from './connection.ts'
export { HttpReplica, type HttpReplicaOptions } from './http-replica.ts'
