export type Value = string | number | bigint | null | Uint8Array
export type Rows = readonly (readonly Value[])[]

/** Rows as text: the same for all readers that give the same rows, in any runtime. */
export function canonicalRows(rows: Rows): string {
  return JSON.stringify(rows.map((row) => row.map(plain)))
}

function plain(value: Value): string | number | null {
  if (typeof value === 'bigint') return Number(value)
  if (!(value instanceof Uint8Array)) return value
  return Array.from(value, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
