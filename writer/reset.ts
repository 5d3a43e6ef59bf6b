import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { checkReset } from './arguments.ts'
import { errnoCode, fileError } from './durable-file.ts'
import { WriterError } from './errors.ts'
import { metaPath } from './local-ltx.ts'

/**
 * Delete the local LTX files of a database, so that replication goes on from the replica with a full image.
 * The database and the replica are not touched. Nothing may be replicating it meanwhile.
 *
 * @returns the files deleted, or with `dryRun` those that would be
 * @throws WriterError WRITER_NO_DATABASE, WRITER_IO
 * @see facts 3.13
 */
export async function resetLocalState(
  databasePath: string,
  options: { readonly dryRun?: boolean; readonly metaPath?: string } = {},
): Promise<{ readonly files: readonly string[] }> {
  checkReset(databasePath, options)
  await stat(databasePath).catch((error) => {
    if (errnoCode(error) !== 'ENOENT') throw fileError(error, 'look at', databasePath)
    throw new WriterError('WRITER_NO_DATABASE', `Cannot reset ${databasePath}: no such database`, {
      at: { path: databasePath },
      cause: error,
    })
  })
  const directory = join(options.metaPath ?? metaPath(databasePath), 'ltx')
  try {
    const entries = await readdir(directory, { recursive: true, withFileTypes: true })
    const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
    if (!options.dryRun) await rm(directory, { recursive: true, force: true })
    return { files: files.sort() }
  } catch (error) {
    if (errnoCode(error) === 'ENOENT') return { files: [] }
    throw fileError(error, 'delete', directory)
  }
}
