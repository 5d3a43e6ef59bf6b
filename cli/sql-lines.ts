/**
 * Collects lines until they hold a whole statement: one that ends with a semicolon outside of quotes and comments.
 */
export class SqlLines {
  #text = ''

  /** True when a statement has been begun. */
  get pending(): boolean {
    return this.#text.trim() !== ''
  }

  /** @returns the statements that are whole now, each without its semicolon */
  push(line: string): string[] {
    this.#text += `${line}\n`
    const statements: string[] = []
    for (let end = statementEnd(this.#text); end >= 0; end = statementEnd(this.#text)) {
      const statement = this.#text.slice(0, end).trim()
      this.#text = this.#text.slice(end + 1)
      if (statement !== '') statements.push(statement)
    }
    if (!this.pending) this.#text = ''
    return statements
  }

  /** What was begun and not ended; forgotten then. */
  take(): string {
    const text = this.#text.trim()
    this.#text = ''
    return text
  }
}

/** What a semicolon may be hidden in, and how it ends. */
const HIDING: Readonly<Record<string, string>> = { "'": "'", '"': '"', '`': '`', '[': ']', '--': '\n', '/*': '*/' }

/** The position of the first semicolon that ends a statement; -1 when there is none yet. */
function statementEnd(text: string): number {
  for (let at = 0; at < text.length; ) {
    if (text[at] === ';') return at
    const opening = [text.slice(at, at + 2), text[at]!].find((mark) => Object.hasOwn(HIDING, mark))
    if (opening === undefined) at++
    else {
      const closing = HIDING[opening]!
      const end = text.indexOf(closing, at + opening.length)
      if (end < 0) return -1
      at = end + closing.length
    }
  }
  return -1
}
