export type { FileModes } from './durable.ts'
export { FileReplica, type FileReplicaOptions } from './file-replica.ts'
