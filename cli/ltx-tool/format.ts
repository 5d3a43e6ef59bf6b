import type { Header } from '../../ltx/index.ts'

/** A TXID or a checksum as 16 hex digits. */
export function formatChecksum(value: bigint): string {
  return value.toString(16).padStart(16, '0')
}

/** The salts of a file's WAL as two words of 8 hex digits. */
export function formatSalts({ walSalt1, walSalt2 }: Pick<Header, 'walSalt1' | 'walSalt2'>): string {
  return `${formatWord(walSalt1)} ${formatWord(walSalt2)}`
}

/** 32 bits as 8 hex digits. */
export function formatWord(value: number): string {
  return value.toString(16).padStart(8, '0')
}

const LATEST_MS = Date.parse('9999-12-31T23:59:59.999Z')

/**
 * A header's timestamp as Go prints it: RFC 3339 in UTC, whole seconds, or with the decimals it has.
 * A time that no calendar of four-digit years holds is printed as its number.
 */
export function formatHeaderTime(ms: number, precision: 'seconds' | 'milliseconds'): string {
  if (ms > LATEST_MS || ms < -62_135_596_800_000) return String(ms)
  const text = new Date(ms).toISOString()
  if (precision === 'seconds') return `${text.slice(0, 19)}Z`
  return text.replace(/\.?0*Z$/, 'Z')
}
