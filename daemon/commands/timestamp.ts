const RFC3339 = /^(\d{4})-(\d\d)-(\d\d)T(\d\d?):(\d\d):(\d\d)(?:[.,](\d+))?(?:Z|([+-])(\d\d):(\d\d))$/

/**
 * Read an RFC 3339 time as Go does: capital T and Z, a zone is required, any number of decimals.
 *
 * @returns milliseconds since the Unix epoch, fractions kept; undefined for anything else
 */
export function parseTimestamp(text: string): number | undefined {
  const match = RFC3339.exec(text)
  if (match === null) return undefined
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  const [, , , , , , , fraction = '', sign = '+', zoneHour = '0', zoneMinute = '0'] = match
  if (hour > 23 || minute > 59 || second > 59) return undefined
  if (Number(zoneHour) > 24 || Number(zoneMinute) > 60) return undefined
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined
  const zone = (Number(zoneHour) * 60 + Number(zoneMinute)) * (sign === '-' ? -1 : 1)
  const seconds = (hour * 60 + minute - zone) * 60 + second
  return date.getTime() + seconds * 1000 + Number(`0.${fraction || 0}`) * 1000
}

/** A time as Litestream prints it in tables and JSON: RFC 3339 in UTC, whole seconds. */
export function formatTimestamp(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`
}
