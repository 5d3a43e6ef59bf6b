import { resolve } from 'node:path'
import { defineCommand } from '../command.ts'
import { print } from '../io.ts'
import { onlyPath } from './files.ts'
import { formatChecksum } from './format.ts'

const USAGE = `The checksum command prints the LTX checksum of a database file.

Usage:

\tlitetap ltx-tool checksum PATH

The database must be all in its file: with transactions that are only in the
WAL there is no checksum. As in LTX files, the lock page of a database above
1 GiB is not counted; superfly/ltx's own tool counts it there.

`

export const checksum = defineCommand({
  name: 'checksum',
  usage: USAGE,
  flags: {},
  async run(io, _flags, args) {
    const path = onlyPath(args, 'litetap ltx-tool checksum app.db')
    const { readDatabase } = await import('./database-pages.ts')
    const { databaseChecksum } = await import('./database-checksum.ts')
    print(io.stdout, formatChecksum(await readDatabase(resolve(io.cwd, path), databaseChecksum)))
    return 0
  },
})
