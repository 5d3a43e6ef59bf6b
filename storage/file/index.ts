export { type FileModes, mkdirDurable, syncDir, writeDurable } from './durable.ts'
export { FileReplica, type FileReplicaOptions } from './file-replica.ts'
