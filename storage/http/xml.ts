import { StorageError } from '../errors.ts'

/** An element of a listing. Namespaces and attributes are of no interest here. */
export interface XmlElement {
  readonly name: string
  /** Text directly in it, decoded. */
  readonly text: string
  readonly children: readonly XmlElement[]
}

const DECLARATION = /^\s*<\?xml\b[^?<>]*\?>\s*/
/** A tag, or text. Comments, CDATA, DOCTYPE and whatever else XML has are not in any store's listing. */
const TOKEN = /<(\/?)([A-Za-z_][\w:.-]*)(?:\s+[\w:.-]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*\s*(\/?)>|([^<]+)/y
const ENTITIES: ReadonlyMap<string, string> = new Map(
  Object.entries({ lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" }),
)

/**
 * Parse the little XML that stores answer a listing with.
 *
 * @param name what is listed, for people
 * @returns the root element
 * @throws StorageError STORAGE_BAD_REPLY for everything else, a listing cut short included
 */
export function parseXml(text: string, name: string): XmlElement {
  const refuse = (why: string): never => {
    const message = `Cannot list ${name}: the server does not answer with a listing in XML (${why}); is it such a store?`
    throw new StorageError('STORAGE_BAD_REPLY', message)
  }
  const open: Building[] = [{ name: '', text: '', children: [] }]
  TOKEN.lastIndex = DECLARATION.exec(text)?.[0].length ?? 0
  while (TOKEN.lastIndex < text.length) {
    const at = TOKEN.lastIndex
    const [, closing, tag = '', empty, chars] = TOKEN.exec(text) ?? refuse(`at character ${at}`)
    const inner = open.at(-1)!
    if (chars !== undefined) inner.text += decode(chars) ?? refuse(`an unknown entity at character ${at}`)
    else if (closing) {
      if (inner.name !== tag || empty) refuse(`</${tag}> at character ${at}`)
      open.pop()
    } else {
      const element = { name: tag, text: '', children: [] }
      inner.children.push(element)
      if (!empty) open.push(element)
    }
  }
  const { children, text: outside } = open[0]!
  if (open.length !== 1) refuse('it is cut short')
  if (children.length !== 1 || outside.trim() !== '') refuse('it has not one root')
  return children[0]!
}

/** The text of an element's only child of a name; undefined if there is none. */
export function textOf(element: XmlElement, name: string): string | undefined {
  return element.children.find((child) => child.name === name)?.text
}

interface Building {
  readonly name: string
  text: string
  readonly children: Building[]
}

/** Undefined if there is an entity that XML does not define by itself. */
function decode(text: string): string | undefined {
  let known = true
  const decoded = text.replace(
    /&(?:#(\d+)|#x([\da-f]+)|(\w+));|&/gi,
    (_, decimal?: string, hex?: string, name = '') => {
      const code = decimal ? Number(decimal) : hex ? Number.parseInt(hex, 16) : -1
      const char = code >= 0 && code <= 0x10ffff ? String.fromCodePoint(code) : ENTITIES.get(name)
      known &&= char !== undefined
      return char ?? ''
    },
  )
  return known ? decoded : undefined
}
