import type { Span } from './mistakes.ts'

/** A number, a word, a text. */
export interface ScalarNode extends Span {
  readonly kind: 'scalar'
  readonly text: string
  /** Neither in quotes nor tagged `!!str`: it may be a number, a truth value or nothing. */
  readonly plain: boolean
}

export interface MapEntry {
  readonly key: string
  readonly keySpan: Span
  readonly value: ConfigNode
  /** It came by a merge key (`<<`), so that another entry of its name is no mistake. */
  readonly merged: boolean
}

export interface MapNode extends Span {
  readonly kind: 'map'
  /** As they are written; a name may be there several times. */
  readonly entries: readonly MapEntry[]
}

export interface ListNode extends Span {
  readonly kind: 'list'
  readonly items: readonly ConfigNode[]
}

/** A YAML document without what only YAML knows: aliases and merge keys are resolved. */
export type ConfigNode = ScalarNode | MapNode | ListNode
