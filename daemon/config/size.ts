const UNITS: Readonly<Record<string, number>> = { '': 1, b: 1, ...powers(1000, ''), ...powers(1024, 'i') }

/**
 * Read a size as people write it: `1500`, `10MB` (10^7), `1.5 GiB`, `5Ki`. Units are Litestream's.
 *
 * @returns whole bytes; undefined for anything else, and for what no number holds exactly
 * @see facts 8.6
 */
export function parseSize(text: string): number | undefined {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text.trim()) ?? []
  const name = unit.toLowerCase()
  const factor = Object.hasOwn(UNITS, name) ? UNITS[name] : undefined
  if (number === undefined || factor === undefined) return undefined
  const bytes = Math.floor(Number(number) * factor)
  return Number.isSafeInteger(bytes) ? bytes : undefined
}

/** `k`, `kb` and so on, or `ki`, `kib`. */
function powers(base: number, infix: string): Record<string, number> {
  const prefixes = ['k', 'm', 'g', 't', 'p', 'e']
  return Object.fromEntries(
    prefixes.flatMap((prefix, index) => {
      const factor = base ** (index + 1)
      return [
        [`${prefix}${infix}`, factor],
        [`${prefix}${infix}b`, factor],
      ]
    }),
  )
}
