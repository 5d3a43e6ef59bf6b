import { crc64 } from '../../ltx/index.ts'
import type { SourceFile } from './source-file.ts'

/** Of a state that no file has been applied to. */
const NOTHING = '0'
const ENCODER = new TextEncoder()

/**
 * The identity of a state after one more file: equal for two states that the same files led to. TXIDs and sizes repeat
 * when a bucket is begun anew; what names the content of a file (`SourceFile.cacheKey`) does not.
 *
 * @param before that of the state the file is applied to
 */
export function identityAfter(before: string | undefined, { cacheKey }: SourceFile): string {
  return crc64(BigInt(`0x${before ?? NOTHING}`), ENCODER.encode(`${cacheKey}\n`)).toString(16)
}
