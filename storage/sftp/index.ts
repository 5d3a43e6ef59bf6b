export { openSftp } from './open.ts'
export type { SftpReplicaOptions } from './settings.ts'
export { SftpReplica } from './sftp-replica.ts'
