import { formatFilename } from '../../ltx/index.ts'
import type { LtxFileName } from '../../storage/index.ts'

/** `<level>/<min>-<max>.ltx`: names a file of a replica for people. */
export function fileKey(file: LtxFileName): string {
  return `${file.level}/${formatFilename(file.minTXID, file.maxTXID)}`
}
