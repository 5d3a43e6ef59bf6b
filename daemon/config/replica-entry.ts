import type { ReplicaSettings } from '../../storage/replica-settings.ts'
import { parseReplicaURL, type ReplicaURL } from '../../storage/url.ts'
import type { Given } from './read-map.ts'
import { BACKENDS, EXCLUDED_BY_URL, type ReplicaType } from './replica-backends.ts'
import { type ReplicaContext, type ReplicaDefaults, type ReplicaValues, withDefaults } from './replica-values.ts'

/**
 * What one `replica` means: its own values, those from the top of the file, its URL.
 *
 * Where both a URL and a key speak, the key wins, as upstream has it; but `force-path-style: false` wins too.
 *
 * @returns undefined when something is wrong, which `mistakes` then says
 * @see facts 8.6, 2.13; features 3.3
 */
export function replicaSettings(
  entry: Given<ReplicaValues>,
  defaults: ReplicaDefaults,
  context: ReplicaContext,
): ReplicaSettings | undefined {
  const values = withDefaults(entry.value, defaults)
  const place = placeOf(values, context)
  // Everything is checked even when one thing is wrong: all mistakes are told at once.
  const usable = [isUnencrypted(values, context), isPath(values, context)].every(Boolean)
  if (!place) return undefined
  if (place.url && !isAlone(place.type, values, context)) return undefined
  warnOfHalfKeys(values, place.type, context)
  const settings = BACKENDS[place.type]({ entry, values, ...(place.url && { url: place.url }) }, context)
  return usable ? settings : undefined
}

interface Place {
  readonly type: ReplicaType
  readonly url?: ReplicaURL
}

function placeOf(values: ReplicaValues, context: ReplicaContext): Place | undefined {
  const { url, type } = values
  if (!url) return { type: (type?.value ?? 'file') as ReplicaType }
  const parsed = parseURL(url, values, context)
  if (!parsed) return undefined
  const { scheme } = parsed
  if (scheme === 'http' || scheme === 'https') {
    context.mistakes.add(
      url,
      `${context.path}.url: expected a store that can be written to; ${scheme}:// replicas can only be read`,
    )
    return undefined
  }
  const own = scheme === 'webdavs' ? 'webdav' : scheme
  if (type && type.value !== own) {
    context.mistakes.warn(type.keySpan, `${context.path}.type: ${type.value} has no effect, the URL says ${own}`)
  }
  return { type: own, url: parsed }
}

function parseURL(
  url: Given<string>,
  values: ReplicaValues,
  { mistakes, path }: ReplicaContext,
): ReplicaURL | undefined {
  // `nats://host` and a bucket of its own are how upstream's examples have it.
  const bucket = values.bucket?.value
  const bare = bucket !== undefined && /^nats:\/\/[^/]+\/?$/i.test(url.value)
  try {
    return parseReplicaURL(bare ? `${url.value.replace(/\/$/, '')}/${encodeURIComponent(bucket)}` : url.value)
  } catch (error) {
    if (!(error instanceof Error)) throw error
    // What came from a variable may be no URL at all, but a secret.
    const given = mistakes.given(url)
    mistakes.add(
      url,
      `${path}.url: ${given === undefined ? error.message : `expected a replica URL, got ${mistakes.quote(url)}`}`,
    )
    return undefined
  }
}

/** @see facts 8.6: accepting the keys would write readable data where encryption was asked for */
function isUnencrypted(values: ReplicaValues, { mistakes, path }: ReplicaContext): boolean {
  const { identities, recipients } = values.age?.value ?? {}
  const given = [identities, recipients].find((list) => list !== undefined && list.value.length > 0)
  if (given)
    mistakes.add(given.keySpan, `${path}: age encryption is not supported; remove age, or encrypt in the bucket`)
  return given === undefined
}

function isPath({ path: given }: ReplicaValues, { mistakes, path }: ReplicaContext): boolean {
  if (!given || !/^\w+:\/\//.test(given.value) || /^sqlite3?:\/\//.test(given.value)) return true
  mistakes.add(given, `${path}.path: expected a path, got a URL; write it as url`)
  return false
}

function isAlone(type: ReplicaType, values: ReplicaValues, { mistakes, path }: ReplicaContext): boolean {
  const others = EXCLUDED_BY_URL[type].filter((name) => values[name] !== undefined)
  for (const name of others) {
    const place = mistakes.place(values[name]!.keySpan)
    mistakes.add(values.url!.keySpan, `${path}: url and ${name} exclude each other; ${name} is at ${place}`)
  }
  return others.length === 0
}

function warnOfHalfKeys(values: ReplicaValues, type: ReplicaType, { mistakes, path }: ReplicaContext): void {
  if (type !== 's3' && type !== 'oss') return
  const { 'access-key-id': id, 'secret-access-key': secret } = values
  if ((id === undefined) === (secret === undefined)) return
  const [has, lacks] = id ? ['access-key-id', 'secret-access-key'] : ['secret-access-key', 'access-key-id']
  mistakes.warn((id ?? secret)!.keySpan, `${path}: ${has} has no effect without ${lacks}`)
}
