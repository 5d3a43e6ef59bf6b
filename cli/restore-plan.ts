import { formatFilename, formatTXID } from '../ltx/index.ts'
import type { LtxFileInfo } from '../storage/index.ts'
import { type Output, print } from './io.ts'
import { formatTable } from './table.ts'
import { formatTimestamp } from './timestamp.ts'

/** What `restore -dry-run -json` prints. */
export interface RestorePlan {
  readonly source: string
  readonly target_path: string
  readonly replica: string
  readonly min_txid: string
  readonly max_txid: string
  readonly files: readonly RestorePlanFile[]
}

interface RestorePlanFile {
  readonly level: number
  readonly name: string
  readonly min_txid: string
  readonly max_txid: string
  readonly size: number
  readonly timestamp: string
}

/** @param files at least one, in the order they would be applied */
export function buildPlan(
  files: readonly LtxFileInfo[],
  about: { readonly source: string; readonly target: string; readonly replica: string },
): RestorePlan {
  return {
    source: about.source,
    target_path: about.target,
    replica: about.replica,
    min_txid: formatTXID(files[0]!.minTXID),
    max_txid: formatTXID(files.at(-1)!.maxTXID),
    files: files.map((file) => ({
      level: file.level,
      name: formatFilename(file.minTXID, file.maxTXID),
      min_txid: formatTXID(file.minTXID),
      max_txid: formatTXID(file.maxTXID),
      size: file.size,
      timestamp: formatTimestamp(file.createdAt),
    })),
  }
}

export function printPlan(output: Output, plan: RestorePlan): void {
  print(output, 'Restore plan:')
  print(output, `  source: ${plan.source}`)
  print(output, `  target: ${plan.target_path}`)
  print(output, `  replica: ${plan.replica}`)
  print(output, `  txid range: ${plan.min_txid} - ${plan.max_txid}`)
  print(output, '')
  print(output, 'Files to fetch:')
  const rows = plan.files.map((f) => [`${f.level}`, f.name, f.min_txid, f.max_txid, `${f.size}`, f.timestamp])
  output.write(formatTable([['level', 'file', 'min_txid', 'max_txid', 'size', 'timestamp'], ...rows]))
}
