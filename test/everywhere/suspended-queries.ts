// Queries of SURFACE_DATABASE that need something of a stack which is suspended.

/** `levels` times `SELECT id FROM (...)`. */
function nested(levels: number, inner: string): string {
  return Array.from({ length: levels }).reduce<string>((sql) => `SELECT id FROM (${sql})`, inner)
}

/** `levels` times `abs(...)`. */
function wrapped(levels: number, inner: string): string {
  return `${'abs('.repeat(levels)}${inner}${')'.repeat(levels)}`
}

/**
 * SQLite connects a virtual table where it resolves its name, and reads the table's settings for that: at the bottom of
 * the nest. On a connection that has not used the table yet, that read is suspended with all levels on the stack.
 */
export const DEEP_QUERIES: readonly string[] = [
  nested(80, 'SELECT id FROM places WHERE x0 >= 3 AND x1 <= 9'),
  `SELECT ${wrapped(490, '(SELECT -count(*) FROM places)')} AS n`,
  `SELECT ${wrapped(490, `(${nested(80, 'SELECT -id AS id FROM places WHERE y0 >= 2 ORDER BY id')} LIMIT 1)`)} AS n`,
]

/** 16 MB of text, of rows that lie in some 800 pages. */
export const GROWING_QUERY =
  "SELECT length(group_concat(replace(hex(content), '0', '0123456789'))) AS n, count(*) AS files FROM files"

/** Of a few tables, in several orders. */
export const STREAM_QUERIES: readonly string[] = [
  'SELECT id FROM orders',
  'SELECT id, amount FROM orders ORDER BY id DESC',
  'SELECT id, note FROM orders WHERE customer IN (3, 7, 11) ORDER BY id',
  "SELECT day, amount FROM orders WHERE day > '2026-03-01' ORDER BY day, amount",
  'SELECT name, orderid FROM tags',
  'SELECT rowid, title FROM notes',
]
