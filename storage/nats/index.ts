export { NatsReplica } from './nats-replica.ts'
export { openNats } from './open.ts'
export type { NatsReplicaOptions } from './settings.ts'
