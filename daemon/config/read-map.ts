import { nearest } from '../../arguments/index.ts'
import type { Key, KeySet, ListKey, MapKey, ValueKey } from './key.ts'
import type { Mistakes, Span } from './mistakes.ts'
import type { ConfigNode, MapEntry, MapNode } from './nodes.ts'
import { expectation, readValue, type ValueTypes } from './read-value.ts'
import { resolveScalar } from './resolve-scalar.ts'

/** A value and where it stands. */
export interface Given<T> extends Span {
  readonly value: T
  /** Of the key in front of it. */
  readonly keySpan: Span
}

type ValueOf<K extends Key> = K extends ValueKey
  ? ValueTypes[K['kind']]
  : K extends MapKey
    ? Values<K['keys']>
    : K extends ListKey
      ? readonly Given<Values<K['keys']>>[]
      : never

/** What a map of these keys holds; keys without a usable value are absent. */
export type Values<S extends KeySet> = { readonly [K in keyof S]?: Given<ValueOf<S[K]>> }

/** Where else a key may be that is not known here. */
export type Elsewhere = (key: string) => string | undefined

/**
 * Read a map by its keys. Everything wrong is told to `mistakes`; unknown keys are warnings, for Litestream
 * ignores them, and a file that works there must work here.
 *
 * @param path of the map, for messages: `` at the top, `dbs[0].replica`
 */
export function readMap<S extends KeySet>(
  node: MapNode,
  keys: S,
  { mistakes, path, elsewhere }: { mistakes: Mistakes; path: string; elsewhere: Elsewhere },
): Values<S> {
  const values: Record<string, Given<unknown>> = {}
  const entries = lastOfEach(node, mistakes)
  requireAll(node, { keys, entries, mistakes, path })
  for (const entry of entries) {
    const name = path === '' ? entry.key : `${path}.${entry.key}`
    const key = Object.hasOwn(keys, entry.key) ? keys[entry.key] : undefined
    if (key === undefined) {
      mistakes.warn(entry.keySpan, unknownKey(entry, keys, { mistakes, elsewhere }))
      continue
    }
    const value = readKey(key, entry, { mistakes, path: name, elsewhere })
    if (value === undefined) continue
    const { start, end } = entry.value
    values[entry.key] = { value, start, end, keySpan: entry.keySpan }
  }
  return values as Values<S>
}

function requireAll(
  node: MapNode,
  { keys, entries, mistakes, path }: { keys: KeySet; entries: readonly MapEntry[]; mistakes: Mistakes; path: string },
): void {
  for (const [name, key] of Object.entries(keys)) {
    if (!('required' in key && key.required)) continue
    if (entries.some((entry) => entry.key === name && !isNothing(entry.value))) continue
    mistakes.add(node, `${path}: expected ${name}, ${expectation(key)}, and it is missing`)
  }
}

type Context = Parameters<typeof readMap>[2]

function readKey(key: Key, entry: MapEntry, context: Context): unknown {
  const { mistakes, path } = context
  const { value: node } = entry
  if (key.kind === 'map') {
    if (node.kind === 'map') return readMap(node, key.keys, context)
    if (!isNothing(node)) mistakes.add(node, `${path}: expected a map of settings, got a ${kindOf(node)}`)
    return undefined
  }
  if (key.kind === 'list') return readList(key, node, context)
  const read = readValue(key, node)
  if (read.is === 'nothing') return undefined
  if (read.is === 'value') {
    if (key.unused) mistakes.warn(entry.keySpan, `${path} has no effect: ${key.unused}`)
    return read.value
  }
  mistakes.add(node, `${path}: expected ${read.expected}, got ${shown(key, node, mistakes)}`)
  return undefined
}

function readList(key: ListKey, node: ConfigNode, context: Context): readonly Given<unknown>[] | undefined {
  const { mistakes, path } = context
  if (node.kind !== 'list') {
    if (isNothing(node)) return undefined
    const hint = node.kind === 'map' ? '; does each entry begin with "- "?' : ''
    mistakes.add(node, `${path}: expected a list, got a ${kindOf(node)}${hint}`)
    return undefined
  }
  if (key.max !== undefined && node.items.length > key.max) {
    mistakes.add(node.items[key.max]!, `${path}: expected at most ${key.max}, got ${node.items.length}`)
  }
  return node.items.flatMap((item, index) => {
    const { start, end } = item
    if (item.kind === 'map') {
      const value = readMap(item, key.keys, { ...context, path: `${path}[${index}]` })
      return [{ value, start, end, keySpan: { start, end: start } }]
    }
    mistakes.add(
      item,
      `${path}[${index}]: expected a map of settings, got ${isNothing(item) ? 'nothing' : `a ${kindOf(item)}`}`,
    )
    return []
  })
}

/**
 * One entry for each name. As yaml.v2 does it: the last one counts, but maps of one name are put together, which is
 * what makes `<<: *defaults` and a `replica` of one's own go together.
 */
function lastOfEach(node: MapNode, mistakes: Mistakes): readonly MapEntry[] {
  const byName = new Map<string, MapEntry>()
  for (const entry of node.entries) {
    const before = byName.get(entry.key)
    if (before && !before.merged && !entry.merged) {
      mistakes.warn(
        entry.keySpan,
        `${wordOf(entry, mistakes)} is there twice, first at ${mistakes.place(before.keySpan)}: the last one counts`,
      )
    }
    byName.set(entry.key, before ? together(before, entry) : entry)
  }
  return [...byName.values()]
}

function together(before: MapEntry, entry: MapEntry): MapEntry {
  if (before.value.kind !== 'map' || entry.value.kind !== 'map') return entry
  const older = before.value.entries.map((inner) => ({ ...inner, merged: true }))
  return { ...entry, value: { ...entry.value, entries: [...older, ...entry.value.entries] } }
}

function unknownKey(
  entry: MapEntry,
  keys: KeySet,
  { mistakes, elsewhere }: Pick<Context, 'mistakes' | 'elsewhere'>,
): string {
  const { key } = entry
  const place = elsewhere(key)
  const guess = nearest(key, Object.keys(keys))
  const hint = place !== undefined ? `; it belongs ${place}` : guess ? `; did you mean ${guess}?` : ''
  return `unknown key ${wordOf(entry, mistakes)}, which is ignored${hint}`
}

/** A key, unless it is none, or came from a variable: then it may be anything, a secret too. */
function wordOf({ key, keySpan }: MapEntry, mistakes: Mistakes): string {
  const isWord = /^[\w.-]{1,40}$/.test(key) && mistakes.given(keySpan) === undefined
  return isWord ? JSON.stringify(key) : 'of odd characters'
}

function shown(key: ValueKey, node: ConfigNode, mistakes: Mistakes): string {
  if (node.kind !== 'scalar') return `a ${node.kind}`
  if (key.secret) return 'something else'
  return mistakes.quote(node)
}

function kindOf(node: ConfigNode): string {
  return node.kind === 'scalar' ? 'text' : node.kind
}

function isNothing(node: ConfigNode): boolean {
  return node.kind === 'scalar' && resolveScalar(node).kind === 'null'
}
