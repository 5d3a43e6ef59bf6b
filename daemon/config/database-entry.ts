import type { DatabaseEntry, DirectoryEntry, ReplicationSettings } from './config.ts'
import { expandPath } from './expand-path.ts'
import type { Given } from './read-map.ts'
import { replicaSettings } from './replica-entry.ts'
import { type ReplicaContext, type ReplicaDefaults, type ReplicaValues, withDefaults } from './replica-values.ts'
import { type DatabaseValues, databaseSettings } from './replication-settings.ts'

/** What all databases share. */
export interface DatabaseDefaults {
  readonly replica: ReplicaDefaults
  readonly settings: ReplicationSettings
}

/**
 * What one entry of `dbs` means.
 *
 * @returns undefined when something is wrong, which `mistakes` then says
 * @see facts 8.6; features 3.2
 */
export function databaseEntry(
  entry: Given<DatabaseValues>,
  defaults: DatabaseDefaults,
  context: ReplicaContext,
): DatabaseEntry | DirectoryEntry | undefined {
  const { value: values } = entry
  const place = placeOf(entry, context)
  const metaFits = isMetaRight(values, context)
  const given = replicaOf(entry, context)
  if (!given) return undefined
  const replica = replicaSettings(given.replica, defaults.replica, { ...context, path: given.path })
  if (!place || !metaFits || !replica) return undefined
  const metaPath = values['meta-path'] && expandPath(values['meta-path'].value, context.base)
  const shared = {
    replica,
    settings: databaseSettings(defaults.settings, values, withDefaults(given.replica.value, defaults.replica)),
    ...(metaPath !== undefined && { metaPath }),
  }
  if (place.kind === 'database') {
    return {
      kind: 'database',
      path: place.path,
      ...shared,
      restoreIfMissing: values['restore-if-db-not-exists']?.value ?? false,
    }
  }
  if (replica.type === 'nats') {
    context.mistakes.add(
      given.replica.keySpan,
      `${given.path}: nats has no paths below a bucket, so a dir cannot be replicated to it`,
    )
  }
  const metaDir = values['meta-dir'] && expandPath(values['meta-dir'].value, context.base)
  return {
    kind: 'directory',
    dir: place.path,
    pattern: place.pattern,
    recursive: values.recursive?.value ?? false,
    watch: values.watch?.value ?? false,
    ...shared,
    ...(metaDir !== undefined && { metaDir }),
  }
}

type DatabasePlace =
  | { readonly kind: 'database'; readonly path: string }
  | { readonly kind: 'directory'; readonly path: string; readonly pattern: string }

function placeOf(entry: Given<DatabaseValues>, context: ReplicaContext): DatabasePlace | undefined {
  const { mistakes, path: name, base } = context
  const { value: values, keySpan } = entry
  const { path, dir, pattern } = values
  if (path && dir) {
    mistakes.add(path.keySpan, `${name}: path and dir exclude each other; dir is at ${mistakes.place(dir.keySpan)}`)
    return undefined
  }
  if (dir) {
    const restore = values['restore-if-db-not-exists']
    if (restore?.value) mistakes.warn(restore.keySpan, `${name}.restore-if-db-not-exists has no effect with dir`)
    if (pattern) return { kind: 'directory', path: expandPath(dir.value, base), pattern: pattern.value }
    mistakes.addMissing(entry, dir.keySpan, `${name}: expected pattern beside dir, for example pattern: "*.db"`)
    return undefined
  }
  if (!path) {
    mistakes.addMissing(entry, keySpan, `${name}: expected path or dir, and both are missing`)
    return undefined
  }
  const { watch, recursive } = values
  if (watch?.value) mistakes.add(watch.keySpan, `${name}.watch: expected dir beside it, not path`)
  for (const [key, given] of Object.entries({ pattern, recursive })) {
    if (given?.value) mistakes.warn(given.keySpan, `${name}.${key} has no effect without dir`)
  }
  return { kind: 'database', path: expandPath(path.value, base) }
}

function isMetaRight(values: DatabaseValues, { mistakes, path: name }: ReplicaContext): boolean {
  const { 'meta-path': metaPath, 'meta-dir': metaDir, dir } = values
  if (!metaDir) return true
  if (metaPath) {
    const place = mistakes.place(metaPath.keySpan)
    mistakes.add(metaDir.keySpan, `${name}: meta-path and meta-dir exclude each other; meta-path is at ${place}`)
    return false
  }
  if (!dir) mistakes.add(metaDir.keySpan, `${name}.meta-dir: expected dir beside it; with path use meta-path`)
  return dir !== undefined
}

interface GivenReplica {
  readonly replica: Given<ReplicaValues>
  /** Of the map, for messages. */
  readonly path: string
}

function replicaOf(entry: Given<DatabaseValues>, { mistakes, path }: ReplicaContext): GivenReplica | undefined {
  const { replica, replicas } = entry.value
  const [first] = replicas?.value ?? []
  if (replica && replicas && first) {
    const place = mistakes.place(replicas.keySpan)
    mistakes.add(replica.keySpan, `${path}: replica and replicas exclude each other; replicas is at ${place}`)
    return undefined
  }
  if (replica) return { replica, path: `${path}.replica` }
  if (replicas && first) {
    mistakes.warn(replicas.keySpan, `${path}.replicas is deprecated: write replica, without a list`)
    return { replica: first, path: `${path}.replicas[0]` }
  }
  mistakes.addMissing(entry, entry.keySpan, `${path}: expected replica, and it is missing`)
  return undefined
}
