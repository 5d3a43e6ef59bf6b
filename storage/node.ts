// The surface of storage/ where there is a file system and an environment.
export { type FileMap, listDated, nameKey } from './dated-listing.ts'
export * from './index.ts'
export {
  type Environment,
  environmentCredentials,
  type OpenReplicaOptions,
  openReplica,
  openReplicaSettings,
} from './open-replica.ts'
// Not in index.ts: what a browser loads for its first page would have to hold all URL forms.
export { parseReplicaURL } from './url.ts'
export { type CatalogOptions, withCatalog } from './with-catalog.ts'
