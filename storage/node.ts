// The surface of storage/ where there is a file system and an environment.
export { type FileMap, listDated, nameKey, sameFiles } from './dated-listing.ts'
export { type Environment, environmentCredentials, withEnvironment } from './environment.ts'
export * from './index.ts'
export { openReplica, openReplicaSettings } from './open-replica.ts'
export { OPEN_REPLICA_OPTIONS, type OpenReplicaOptions } from './open-replica-options.ts'
export { PageMapKeeper, type PageMapSource } from './page-map-keeper.ts'
export type { ReplicaSettings } from './replica-settings.ts'
export { replicaSettings, type SettingsOptions } from './settings-of-url.ts'
// Not in index.ts: what a browser loads for its first page would have to hold all URL forms.
export { parseReplicaURL } from './url.ts'
export { type CatalogOptions, withCatalog } from './with-catalog.ts'
export { type ObserverOptions, type ReplicaOperation, type ReplicaRequest, withObserver } from './with-observer.ts'
