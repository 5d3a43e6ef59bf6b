const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB']

/** A size for people in powers of 1000, as Go's humanize.Bytes prints it: `999 B`, `8.3 kB`, `33 kB`. */
export function formatBytes(bytes: number): string {
  if (bytes < 10) return `${Math.floor(bytes)} B`
  let power = 0
  while (power < UNITS.length - 1 && bytes >= 1000 ** (power + 1)) power++
  const tenths = Math.floor((bytes / 1000 ** power) * 10 + 0.5)
  // With a single digit, one decimal is shown; the unit B counts as such only below ten, which is handled above.
  const value = tenths < 100 ? (tenths / 10).toFixed(1) : String(halfToEven(tenths))
  return `${value} ${UNITS[power]}`
}

/** Tenths rounded to whole numbers; a half goes to the even neighbour, as Go's %.0f does. */
function halfToEven(tenths: number): number {
  const whole = Math.floor(tenths / 10)
  const rest = tenths - whole * 10
  if (rest === 5) return whole + (whole % 2)
  return rest > 5 ? whole + 1 : whole
}

/** A time span for people: `8s`, `1:05`, `1:02:03`. */
export function formatSpan(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 60) return `${seconds}s`
  const minutes = Math.floor(seconds / 60)
  const tail = String(seconds % 60).padStart(2, '0')
  if (minutes < 60) return `${minutes}:${tail}`
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, '0')}:${tail}`
}
