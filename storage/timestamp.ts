/**
 * Format an instant as Go's `time.RFC3339Nano` in UTC: trailing zeros of the fraction are cut (facts 2.2).
 *
 * @param ms since the Unix epoch, whole
 * @returns e.g. `2026-01-02T03:04:05.678Z`, `…05.6Z`, `…05Z`; undefined outside the years 0000..9999
 */
export function formatTimestamp(ms: number): string | undefined {
  const date = new Date(ms)
  if (Number.isNaN(date.getTime())) return undefined
  const text = date.toISOString()
  if (text.length !== 24) return undefined
  const fraction = text.slice(20, 23).replace(/0+$/, '')
  return `${text.slice(0, 19)}${fraction === '' ? '' : `.${fraction}`}Z`
}

/** Parse RFC 3339 with any number of fraction digits; what is finer than a millisecond is cut. */
export function parseTimestamp(text: string): number | undefined {
  const parts = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)$/.exec(text)
  if (!parts) return undefined
  const ms = Date.parse(`${parts[1]}.${(parts[2] ?? '').slice(0, 3).padEnd(3, '0')}${parts[3]}`)
  return Number.isNaN(ms) ? undefined : ms
}
