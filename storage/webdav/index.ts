export { openWebdav } from './open.ts'
export type { WebdavReplicaOptions } from './settings.ts'
export { WebdavReplica } from './webdav-replica.ts'
