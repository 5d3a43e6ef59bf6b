// The surface of storage/ where there is a file system and an environment.
export * from './index.ts'
export { type Environment, environmentCredentials, type OpenReplicaOptions, openReplica } from './open-replica.ts'
