/**
 * Skip what means nothing in SQL: white space and comments.
 * @param alsoSemicolons skip these too: what may follow a statement
 * @returns the index of the first character that means something, or the length
 */
export function skipBlank(sql: string, from: number, alsoSemicolons = false): number {
  let at = from
  while (at < sql.length) {
    const char = sql[at]!
    if (' \t\n\f\r'.includes(char) || (alsoSemicolons && char === ';')) at += 1
    else if (char === '-' && sql[at + 1] === '-') at = endOf(sql, '\n', at + 2)
    else if (char === '/' && sql[at + 1] === '*') at = endOf(sql, '*/', at + 2)
    else break
  }
  return at
}

/** An unfinished comment reaches to the end, as in SQLite. */
function endOf(sql: string, mark: string, from: number): number {
  const at = sql.indexOf(mark, from)
  return at < 0 ? sql.length : at + mark.length
}

/** The statement's first word in lower case: '' if it does not begin with one. */
export function firstWord(sql: string): string {
  const start = skipBlank(sql, 0, true)
  let end = start
  while (end < sql.length && /[a-z]/i.test(sql[end]!)) end += 1
  return sql.slice(start, end).toLowerCase()
}
