import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { metaPath, resetLocalState } from '../../writer/index.ts'

/** What was removed, or would be. */
export interface ResetResult {
  readonly metaDir: string
  /** Removed as a whole. */
  readonly ltxDir: string
  /** False when there was no local state at all. */
  readonly hadState: boolean
  readonly files: readonly string[]
}

/**
 * What `reset` does: remove the local state of a database, so that the next sync writes everything anew.
 * Nothing may replicate it meanwhile.
 *
 * @throws WriterError WRITER_NO_DATABASE, WRITER_IO
 */
export async function resetDatabase(
  path: string,
  options: { readonly dryRun?: boolean; readonly metaPath?: string } = {},
): Promise<ResetResult> {
  const metaDir = options.metaPath ?? metaPath(path)
  const hadState = await stat(metaDir).then(
    () => true,
    () => false,
  )
  const { files } = await resetLocalState(path, options)
  return { metaDir, ltxDir: join(metaDir, 'ltx'), hadState, files }
}
