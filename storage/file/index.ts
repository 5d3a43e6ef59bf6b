export { type FileModes, mkdirDurable, syncDir } from './durable.ts'
export { FileReplica, type FileReplicaOptions } from './file-replica.ts'
