/** Items of a comma-separated list, each one of a few. @throws Error that names the one that is not */
export function choose<T extends string>(text: string, from: readonly T[]): T[] {
  return list(text).map((name) => {
    if (from.includes(name as T)) return name as T
    throw new Error(`${name} is none of ${from.join(', ')}; see --help`)
  })
}

/** Items of a comma-separated list. */
export function list(text: string): string[] {
  return text.split(',').filter((item) => item !== '')
}
