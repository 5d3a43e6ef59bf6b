import { resolve } from 'node:path'
import { defineCommand } from '../command.ts'
import { usageError } from '../errors.ts'
import { stringFlag } from '../flags.ts'
import { somePaths } from './files.ts'

const USAGE = `The apply command applies LTX files, in the order given, to a database file.

Usage:

\tlitetap ltx-tool apply -db DB_PATH PATH [PATH...]

Arguments:

\t-db DB_PATH
\t    The database file; it is made if it does not exist. Required.

Every file is read whole and checked before the database is touched. Where a
file has checksums, the database must have the one from before it, and has the
one after it in the end; files of Litestream have none. A snapshot is applied
to a new database only. No other program may use the database meanwhile.

`

export const apply = defineCommand({
  name: 'apply',
  usage: USAGE,
  flags: { db: stringFlag() },
  async run(io, flags, args) {
    const example = 'litetap ltx-tool apply -db app.db a.ltx b.ltx'
    const paths = somePaths(args, example)
    if (flags.db === '') throw usageError('required: -db PATH', example)
    const { applyFiles } = await import('./apply-files.ts')
    await applyFiles(io, resolve(io.cwd, flags.db), paths)
    return 0
  },
})
