import { stat } from 'node:fs/promises'
import { defineCommand } from './command.ts'
import { CONFIG_FLAGS, expandPath, findDatabase } from './config.ts'
import { loadCommands } from './deps.ts'
import { CliError, errorMessage, usageError } from './errors.ts'
import { boolFlag } from './flags.ts'
import { print } from './io.ts'

const USAGE = `The reset command clears the local state of a database.

Use it when LTX files in the metadata directory are damaged or missing. They are
removed, and the next sync writes everything anew as a full image. The database
itself and the replica are not modified.

Usage:

\tlitetap reset [arguments] DB_PATH

Arguments:

\t-dry-run
\t    Print the local LTX files that would be removed without deleting them.

\t-config PATH
\t    Look the database up in this configuration file, for its metadata directory.
\t    Without it no configuration file is read.

\t-no-expand-env
\t    Leave every $ of the configuration file as it is.

Examples:

\t# Reset the local state of a database.
\t$ litetap reset /path/to/database.db

\t# Preview which files would be removed.
\t$ litetap reset -dry-run /path/to/database.db

`

export const reset = defineCommand({
  name: 'reset',
  usage: USAGE,
  flags: { ...CONFIG_FLAGS, 'dry-run': boolFlag() },
  async run(io, flags, args) {
    const [path = ''] = args
    if (path === '') throw usageError('database path required', 'litetap reset /path/to/db')
    if (args.length > 1) throw usageError('too many arguments')
    const dbPath = expandPath(path, io)
    // As upstream: the default configuration file is not looked for.
    const entry = flags.config === '' ? undefined : await findDatabase(path, flags, io)
    if (!(await exists(dbPath))) throw usageError(`database does not exist: ${dbPath}`)
    const say = (text: string) => print(io.stdout, text)
    const { resetDatabase } = await loadCommands()
    const { metaDir, ltxDir, hadState, files } = await resetDatabase(dbPath, {
      dryRun: flags['dry-run'],
      ...(entry?.metaPath !== undefined && { metaPath: entry.metaPath }),
    })
    if (!hadState) {
      say(`No local state to reset for ${dbPath}`)
      say(`Meta directory does not exist: ${metaDir}`)
    } else if (flags['dry-run']) {
      say(`Dry run: local Litestream state would be reset for: ${dbPath}`)
      say(`Would remove: ${ltxDir}`)
      for (const line of describeFiles(files)) say(line)
    } else {
      say(`Resetting local Litestream state for: ${dbPath}`)
      say(`Removing: ${ltxDir}`)
      say('Reset complete. Next replication sync will create a fresh snapshot.')
    }
    return 0
  },
})

function describeFiles(files: readonly string[]): string[] {
  if (files.length === 0) return ['No local LTX files would be removed.']
  return ['Files that would be removed:', ...files.map((file) => `  ${file}`), 'No files were removed.']
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return false
    throw new CliError('CLI_USAGE', `cannot access ${path}: ${errorMessage(error)}`, { cause: error })
  }
}
