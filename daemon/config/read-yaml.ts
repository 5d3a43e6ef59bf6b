import {
  type Document,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  type ParsedNode,
  parseAllDocuments,
  type YAMLMap,
} from 'yaml'
import type { Mistakes, Span } from './mistakes.ts'
import type { ConfigNode, MapEntry, MapNode } from './nodes.ts'

/** The parser's own messages quote the file, which may hold secrets. */
const SYNTAX: Readonly<Record<string, string>> = {
  ALIAS_PROPS: 'an alias (*name) takes no anchor and no tag',
  BAD_ALIAS: 'an alias (*name) needs a name; a text that begins with * must be in quotes',
  BAD_DIRECTIVE: 'lines that begin with % are not understood',
  BAD_DQ_ESCAPE: 'unknown escape in double quotes: write \\\\ for a backslash, or use single quotes',
  BAD_INDENT:
    'wrong indentation: entries of one map or list begin in one column, and what belongs to a key stands further right',
  BAD_PROP_ORDER: 'anchors and tags stand before the - or : they belong to',
  BAD_SCALAR_START: 'a text that begins with this character must be in quotes',
  BLOCK_AS_IMPLICIT_KEY:
    'a key and its value begin on one line; is the line above indented too far, or a second ": " in the line?',
  BLOCK_IN_FLOW: 'a list or map in brackets cannot hold an indented one',
  DUPLICATE_KEY: 'the key is there twice',
  IMPOSSIBLE: 'this is no YAML',
  KEY_OVER_1024_CHARS: 'a key is too long',
  MISSING_CHAR: 'something is missing before this: a closing quote or bracket, a comma, a : or a space after one',
  MULTILINE_IMPLICIT_KEY: 'a key must be on one line; is a : missing?',
  MULTIPLE_ANCHORS: 'only one anchor (&name) fits here',
  MULTIPLE_TAGS: 'only one tag fits here',
  RESOURCE_EXHAUSTION: 'it is nested too deeply',
  TAB_AS_INDENT: 'a tab: indent with spaces',
  TAG_RESOLVE_FAILED: 'unknown tag; a text that begins with ! must be in quotes',
  UNEXPECTED_TOKEN: 'this does not fit here: is a quote, a bracket or a : wrong, or the indentation?',
}

/** More entries than any configuration has; merging merged maps could make as many as there are atoms. */
const MAX_MERGED = 100_000

const KNOWN_TAGS = /^(tag:yaml\.org,2002:(str|int|bool|float|null|map|seq)|!)$/

/** Parse the file's first document. @returns undefined if it is empty, or not YAML, which `mistakes` then says */
export function readYAML(mistakes: Mistakes): ConfigNode | undefined {
  try {
    return new Reader(mistakes).read()
  } catch (error) {
    if (!(error instanceof RangeError)) throw error // the parser and the reader are recursive
    mistakes.add({ start: 0, end: 0 }, 'it is nested too deeply')
    return undefined
  }
}

class Reader {
  readonly #mistakes: Mistakes
  readonly #anchors = new Map<string, ConfigNode>()
  #mergedEntries = 0

  constructor(mistakes: Mistakes) {
    this.#mistakes = mistakes
  }

  read(): ConfigNode | undefined {
    // As text: which words are numbers or truth values is decided as Litestream's YAML library does.
    const documents = parseAllDocuments(this.#mistakes.text, {
      version: '1.1',
      schema: 'failsafe',
      resolveKnownTags: false,
      uniqueKeys: false,
      prettyErrors: false,
      logLevel: 'silent',
    })
    if ('empty' in documents) return undefined
    const [first, second] = documents as Document.Parsed[]
    // What is said after the first one mostly follows from it.
    for (const error of first?.errors.slice(0, 1) ?? []) {
      this.#mistakes.add({ start: error.pos[0], end: error.pos[1] }, `YAML: ${SYNTAX[error.code] ?? SYNTAX.IMPOSSIBLE}`)
    }
    if (!this.#mistakes.isEmpty || !first?.contents) return undefined
    if (second?.contents) this.#mistakes.warn(spanOf(second.contents), 'only the first document of the file is read')
    return this.#node(first.contents)
  }

  #node(node: ParsedNode): ConfigNode {
    const span = spanOf(node)
    if (isAlias(node)) {
      const target = this.#anchors.get(node.source)
      if (target) return target
      this.#mistakes.add(span, 'YAML: no such anchor above; a text that begins with * must be in quotes')
      return { kind: 'scalar', text: '', plain: true, ...span }
    }
    const { tag } = node
    if (tag !== undefined && !KNOWN_TAGS.test(tag)) this.#mistakes.add(span, `YAML: ${SYNTAX.TAG_RESOLVE_FAILED}`)
    const read = this.#collection(node, span)
    if (node.anchor !== undefined) this.#anchors.set(node.anchor, read)
    return read
  }

  #collection(node: ParsedNode, span: Span): ConfigNode {
    if (isMap(node)) return { kind: 'map', entries: this.#entries(node as YAMLMap.Parsed), ...span }
    if (isSeq(node)) {
      // A null that is not written, as after a lone "-", is a scalar here too; pairs are maps without braces.
      const items = node.items.map((item) =>
        isPair(item) ? this.#node(item.value as ParsedNode) : this.#node(item as ParsedNode),
      )
      return { kind: 'list', items, ...span }
    }
    if (!isScalar(node)) return { kind: 'scalar', text: '', plain: true, ...span }
    const plain =
      (node.type === 'PLAIN' || node.type === undefined) && node.tag !== 'tag:yaml.org,2002:str' && node.tag !== '!'
    return { kind: 'scalar', text: node.source ?? String(node.value ?? ''), plain, ...span }
  }

  #entries(map: YAMLMap.Parsed): MapEntry[] {
    const entries: MapEntry[] = []
    for (const pair of map.items) {
      const key = this.#node(pair.key as ParsedNode)
      const keySpan = spanOf(pair.key as ParsedNode)
      if (key.kind !== 'scalar') {
        this.#mistakes.add(keySpan, `a key must be a word, not a ${key.kind}`)
        continue
      }
      const value = pair.value
        ? this.#node(pair.value as ParsedNode)
        : ({ kind: 'scalar', text: '', plain: true, start: keySpan.end, end: keySpan.end } as const)
      if (key.text === '<<' && key.plain) entries.push(...this.#merged(value))
      else entries.push({ key: key.text, keySpan, value, merged: false })
    }
    return entries
  }

  /** What `<<` brings in; of several maps the first one wins, so it comes last. */
  #merged(value: ConfigNode): MapEntry[] {
    const maps: MapNode[] = []
    for (const source of value.kind === 'list' ? value.items : [value]) {
      if (source.kind === 'map') maps.push(source)
      else this.#mistakes.add(value, 'YAML: << needs a map, or a list of maps, for example *defaults')
    }
    const entries = maps.toReversed().flatMap((map) => map.entries.map((entry) => ({ ...entry, merged: true })))
    this.#mergedEntries += entries.length
    if (this.#mergedEntries > MAX_MERGED) throw new RangeError('too much is merged')
    return entries
  }
}

function spanOf(node: ParsedNode): Span {
  return { start: node.range[0], end: node.range[1] }
}
