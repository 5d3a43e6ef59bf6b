/** The bytes of a page, from its name. */
export function pageOf(file: string, pgno: number, size = 4096): Uint8Array {
  const page = new Uint8Array(size)
  let state = (pgno * 2654435761 + [...file].reduce((sum, char) => sum * 31 + char.charCodeAt(0), 7)) >>> 0
  for (let i = 0; i < size; i += 4) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    page[i] = state >>> 24
    page[i + 1] = state >>> 16
    page[i + 2] = pgno
  }
  return page
}
