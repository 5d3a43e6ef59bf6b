import { parseTimestamp } from '../../storage/index.ts'

const UNITS: Readonly<Record<string, number>> = {
  millisecond: 1,
  second: 1000,
  sec: 1000,
  s: 1000,
  minute: 60_000,
  min: 60_000,
  m: 60_000,
  hour: 3_600_000,
  hr: 3_600_000,
  h: 3_600_000,
  day: 86_400_000,
  d: 86_400_000,
  week: 7 * 86_400_000,
  w: 7 * 86_400_000,
}
const MONTHS: Readonly<Record<string, number>> = { month: 1, year: 12 }
const AMOUNT = /^(\d+(?:\.\d+)?|an?|one)\s*([a-z]+?)s?$/

/**
 * Read a point in time as people give it: RFC 3339 with any number of decimals, `5 minutes ago`, `1 hour 30 minutes ago`,
 * `yesterday` (a day ago), `now`, or `LATEST`, in any case.
 *
 * @param now milliseconds since the Unix epoch
 * @returns milliseconds since the Unix epoch; 'latest' for no fixed time; undefined for anything else
 */
export function parseTime(text: string, now: number): number | 'latest' | undefined {
  const trimmed = text.trim()
  const exact = parseTimestamp(trimmed)
  if (exact !== undefined) return exact
  const words = trimmed.toLowerCase()
  if (words === 'latest') return 'latest'
  if (words === 'now') return now
  if (words === 'yesterday') return now - UNITS.day!
  return words.endsWith(' ago') ? parseAgo(words.slice(0, -4), now) : undefined
}

function parseAgo(words: string, now: number): number | undefined {
  let time = now
  for (const part of words.split(/\s*(?:,|\band\b)\s*|(?<=[a-z])\s+(?=\d)/)) {
    const [, amount = '', unit = ''] = AMOUNT.exec(part.trim()) ?? []
    const count = /^\d/.test(amount) ? Number(amount) : 1
    const months = Object.hasOwn(MONTHS, unit) ? MONTHS[unit]! * count : 0
    if (Number.isInteger(months) && months > 0) time = monthsBefore(time, months)
    else if (Object.hasOwn(UNITS, unit)) time -= UNITS[unit]! * count
    else return undefined
  }
  return time
}

/** The same day of an earlier month, or its last one. */
function monthsBefore(time: number, months: number): number {
  const date = new Date(time)
  const day = date.getUTCDate()
  date.setUTCDate(1)
  date.setUTCMonth(date.getUTCMonth() - months)
  const last = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate()
  date.setUTCDate(Math.min(day, last))
  return date.getTime()
}
