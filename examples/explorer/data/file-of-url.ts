import { parseFilename } from '../../../ltx/index.ts'
import type { LtxFileName } from '../../../storage/types.ts'

/** What a request's URL is about: an LTX file in either layout, or something else, by its last name. */
export function fileOfURL(url: string): { readonly file: LtxFileName | undefined; readonly name: string } {
  const path = new URL(url).pathname.split('/')
  const name = path.at(-1) ?? ''
  const range = parseFilename(name)
  const level = Number.parseInt(path.at(-2) ?? '', 10)
  if (range === undefined || !(level >= 0)) return { file: undefined, name }
  return { file: { level, ...range }, name: `L${level} ${shortRange(range)}` }
}

/** TXIDs as people compare them: hexadecimal without leading zeros. */
export function shortRange({ minTXID, maxTXID }: Pick<LtxFileName, 'minTXID' | 'maxTXID'>): string {
  const [min, max] = [minTXID.toString(16), maxTXID.toString(16)]
  return min === max ? min : `${min}–${max}`
}
