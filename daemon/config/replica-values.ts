import type { ReplicaURL } from '../../storage/url.ts'
import type { PathBase } from './expand-path.ts'
import type { Mistakes } from './mistakes.ts'
import type { Given, Values } from './read-map.ts'
import { type REPLICA_KEYS, REPLICA_SETTING_KEYS } from './replica-keys.ts'

export type ReplicaValues = Values<typeof REPLICA_KEYS>
export type ReplicaDefaults = Values<typeof REPLICA_SETTING_KEYS>

/** What making sense of a replica takes. */
export interface ReplicaContext {
  readonly mistakes: Mistakes
  /** Of the map, for messages: `dbs[0].replica`. */
  readonly path: string
  readonly base: PathBase
  /** The content of a file. @throws Error as node:fs does */
  readonly readText: (path: string) => string
}

/** One `replica` with what the top of the file says for all, and its URL taken apart. */
export interface ReplicaInput<U extends ReplicaURL = ReplicaURL> {
  readonly entry: Given<ReplicaValues>
  readonly values: ReplicaValues
  readonly url?: U
}

/** The replica's own values, and for keys that are inherited those from the top of the file. */
export function withDefaults(own: ReplicaValues, defaults: ReplicaDefaults): ReplicaValues {
  const names = Object.keys(REPLICA_SETTING_KEYS) as (keyof ReplicaDefaults)[]
  const inherited = names.filter((name) => REPLICA_SETTING_KEYS[name].inherited && defaults[name] !== undefined)
  const values = { ...Object.fromEntries(inherited.map((name) => [name, defaults[name]])), ...own } as ReplicaValues
  // Upstream's rule: what is not verified at the top is verified nowhere.
  const skipVerify = defaults['skip-verify']
  return skipVerify?.value ? { ...values, 'skip-verify': skipVerify } : values
}
