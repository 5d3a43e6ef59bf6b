import type { V3FileInfo } from '../storage/index.ts'
import type { V3Plan } from '../writer/index.ts'
import { type Output, print } from './io.ts'
import { formatWord } from './ltx-tool/format.ts'
import { formatTable } from './table.ts'
import { formatTimestamp } from './timestamp.ts'

/** What `restore -dry-run -json` prints for a backup of Litestream v0.3. */
export interface V3RestorePlan {
  readonly source: string
  readonly target_path: string
  readonly replica: string
  readonly format: 'v0.3'
  readonly generation: string
  readonly files: readonly V3PlanFile[]
}

interface V3PlanFile {
  readonly kind: 'snapshot' | 'wal'
  readonly index: string
  readonly offset: string
  readonly size: number
  readonly timestamp: string
}

export function buildV3Plan(
  { snapshot, segments }: V3Plan,
  about: { readonly source: string; readonly target: string; readonly replica: string },
): V3RestorePlan {
  return {
    source: about.source,
    target_path: about.target,
    replica: about.replica,
    format: 'v0.3',
    generation: snapshot.generation,
    files: [snapshot, ...segments].map(planFile),
  }
}

export function printV3Plan(output: Output, plan: V3RestorePlan): void {
  print(output, 'Restore plan:')
  print(output, `  source: ${plan.source}`)
  print(output, `  target: ${plan.target_path}`)
  print(output, `  replica: ${plan.replica}`)
  print(output, `  format: Litestream v0.3, generation ${plan.generation}`)
  print(output, '')
  print(output, 'Files to fetch:')
  const rows = plan.files.map((file) => [file.kind, file.index, file.offset, `${file.size}`, file.timestamp])
  output.write(formatTable([['kind', 'index', 'offset', 'size', 'timestamp'], ...rows]))
}

/** What a log line says of it. */
export function v3Fields({ snapshot, segments }: V3Plan): Readonly<Record<string, unknown>> {
  const { generation, index } = segments.at(-1) ?? snapshot
  return { generation, index: formatWord(index) }
}

function planFile({ kind, index, offset, size, createdAt }: V3FileInfo): V3PlanFile {
  return { kind, index: formatWord(index), offset: formatWord(offset), size, timestamp: formatTimestamp(createdAt) }
}
