import type { ValueForm } from './value-form.ts'

/** How a value is written. */
export type ValueKind = 'text' | 'boolean' | 'integer' | 'duration' | 'size' | 'permissions' | 'texts'

/** One key that has a value. Examples are YAML, as they stand behind the colon. */
export interface ValueKey {
  readonly kind: ValueKind
  /** One sentence, for people. */
  readonly about: string
  /** As the file would say it, or in words; absent: there is none. */
  readonly default?: string
  /** Values must be this or greater; durations in ms. */
  readonly min?: number
  /** Values must be greater; durations in ms. */
  readonly above?: number
  readonly max?: number
  /** Nothing else is allowed. */
  readonly oneOf?: readonly string[]
  readonly form?: ValueForm
  /** The map is wrong without it. */
  readonly required?: true
  /** No message shows it. */
  readonly secret?: true
  /** Litestream knows no such key. */
  readonly ours?: true
  /** Read and not used; why. */
  readonly unused?: string
  /** A replica's: whether its value at the top of the file is the default of all replicas (facts 8.6). */
  readonly inherited?: boolean
  readonly good: string
  /** Absent: any text will do. */
  readonly bad?: string
}

export interface MapKey {
  readonly kind: 'map'
  /** As for a value. */
  readonly inherited?: boolean
  readonly about: string
  readonly keys: KeySet
}

export interface ListKey {
  readonly kind: 'list'
  readonly about: string
  readonly keys: KeySet
  readonly max?: number
}

export type Key = ValueKey | MapKey | ListKey
export interface KeySet {
  readonly [name: string]: Key
}
