const NS_PER: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n, // U+00B5 micro sign
  μs: 1_000n, // U+03BC Greek mu
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
}
const MAX_NS = 1n << 63n

/**
 * Read a duration as Go writes it: `1h30m`, `500ms`, `1.5s`, `-2m`, `0`.
 *
 * @returns nanoseconds; undefined for anything else, a bare number but 0 included
 */
export function parseDurationNs(text: string): bigint | undefined {
  const sign = /^[+-]?/.exec(text)![0]
  const body = text.slice(sign.length)
  if (body === '0') return 0n
  if (body === '') return undefined
  const part = /(\d*)(?:\.(\d*))?(ns|us|µs|μs|ms|s|m|h)/uy
  let total = 0n
  while (part.lastIndex < body.length) {
    const match = part.exec(body)
    if (match === null) return undefined
    const [, whole = '', fraction = '', unit = ''] = match
    if (whole === '' && fraction === '') return undefined
    const scale = NS_PER[unit]!
    total += BigInt(whole || 0) * scale + (BigInt(fraction || 0) * scale) / 10n ** BigInt(fraction.length)
  }
  if (total > MAX_NS || (total === MAX_NS && sign !== '-')) return undefined
  return sign === '-' ? -total : total
}

/** Milliseconds of a Go duration, fractions kept; undefined when it is none. */
export function parseDuration(text: string): number | undefined {
  const ns = parseDurationNs(text)
  return ns === undefined ? undefined : Number(ns) / 1e6
}

/** A duration as Go prints it: `1h30m0s`, `1.5s`, `500ms`, `0s`. */
export function formatDuration(ms: number): string {
  const ns = Math.round(Math.abs(ms) * 1e6)
  const sign = ms < 0 && ns > 0 ? '-' : ''
  if (ns === 0) return '0s'
  if (ns < 1e3) return `${sign}${ns}ns`
  if (ns < 1e6) return `${sign}${ns / 1e3}µs`
  if (ns < 1e9) return `${sign}${ns / 1e6}ms`
  const minutes = Math.floor(ns / 60e9)
  const seconds = `${(ns - minutes * 60e9) / 1e9}s`
  if (minutes === 0) return sign + seconds
  const hours = Math.floor(minutes / 60)
  return `${sign}${hours === 0 ? '' : `${hours}h`}${minutes % 60}m${seconds}`
}
