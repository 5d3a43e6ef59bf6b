export type { HttpOptions } from './connection.ts'
export { EVENTS_NAME, type WatchEventsOptions, watchEvents } from './events.ts'
export { HttpReplica, type HttpReplicaOptions } from './http-replica.ts'
