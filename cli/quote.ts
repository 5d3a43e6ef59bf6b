const ESCAPES: Readonly<Record<string, string>> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '"': '\\"',
  '\\': '\\\\',
}

// Go's unicode.IsPrint: letters, marks, numbers, punctuation, symbols, and the ASCII space.
const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u

/** True for a character Go prints as it is. */
export function isPrintable(char: string): boolean {
  return PRINTABLE.test(char)
}

/** Text in double quotes with Go's escapes (`strconv.Quote`, `%q`). */
export function quote(text: string): string {
  let quoted = '"'
  for (const char of text) quoted += ESCAPES[char] ?? (isPrintable(char) ? char : escapeCode(char.codePointAt(0)!))
  return `${quoted}"`
}

function escapeCode(code: number): string {
  const hex = code.toString(16)
  if (code < 0x80) return `\\x${hex.padStart(2, '0')}`
  return code < 0x10000 ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`
}
