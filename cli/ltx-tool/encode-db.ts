import { resolve } from 'node:path'
import { defineCommand } from '../command.ts'
import { usageError } from '../errors.ts'
import { stringFlag } from '../flags.ts'
import { onlyPath } from './files.ts'

const USAGE = `The encode-db command writes a database file as one LTX file, a snapshot with
checksums and TXID 1.

Usage:

\tlitetap ltx-tool encode-db -o OUTPUT PATH

Arguments:

\t-o OUTPUT
\t    Path of the LTX file. Required; a file that is there is replaced.

The database must be all in its file: with transactions that are only in the
WAL it is refused. LITETAP_LEGACY_FRAMES=1 writes page frames that Litestream
before 0.5.16 reads.

`

export const encodeDB = defineCommand({
  name: 'encode-db',
  usage: USAGE,
  flags: { o: stringFlag() },
  async run(io, flags, args) {
    const example = 'litetap ltx-tool encode-db -o app.ltx app.db'
    const path = onlyPath(args, example)
    if (flags.o === '') throw usageError('required: -o PATH', example)
    const { readDatabase } = await import('./database-pages.ts')
    const { encodeDatabase } = await import('./encode-database.ts')
    const { writeDurable } = await import('../../storage/file/index.ts')
    const form = io.env.LITETAP_LEGACY_FRAMES === '1' ? 'legacy' : 'block'
    await readDatabase(resolve(io.cwd, path), async (database) => {
      const bytes = encodeDatabase(database, { form, timestamp: io.now() })
      await writeDurable(resolve(io.cwd, flags.o), bytes, { mode: 0o644 })
    })
    return 0
  },
})
