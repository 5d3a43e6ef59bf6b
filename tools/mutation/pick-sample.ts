/**
 * Pick some of many, each as likely as any other.
 *
 * @param seed the same seed picks the same ones
 * @returns at most `count`, in the order of `all`
 */
export function pickSample<T>(all: readonly T[], count: number, seed: number): T[] {
  const random = mulberry32(seed)
  const drawn = all.map((_, place) => ({ place, lot: random() })).sort((a, b) => a.lot - b.lot || a.place - b.place)
  const places = drawn.slice(0, count).map(({ place }) => place)
  return places.sort((a, b) => a - b).map((place) => all[place]!)
}

function mulberry32(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
