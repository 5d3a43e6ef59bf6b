import { defineCommand } from '../command.ts'
import { boolFlag } from '../flags.ts'
import { type CliIO, print } from '../io.ts'
import { formatTable } from '../table.ts'
import { fileTrouble, somePaths, withLtx } from './files.ts'
import { formatChecksum, formatHeaderTime, formatSalts } from './format.ts'

const USAGE = `The list command prints header and trailer fields of LTX files as a table.

Usage:

\tlitetap ltx-tool list [arguments] PATH [PATH...]

Arguments:

\t-tsv
\t    Separate the values by tabs.

A damaged file gets no row but a line on stderr; the exit code is 1 then.

`

const COLUMNS = [
  'min_txid',
  'max_txid',
  'commit',
  'pages',
  'preapply',
  'postapply',
  'timestamp',
  'wal_offset',
  'wal_size',
  'wal_salt',
]

export const list = defineCommand({
  name: 'list',
  usage: USAGE,
  flags: { tsv: boolFlag() },
  async run(io, flags, args) {
    const rows: (readonly string[])[] = [COLUMNS]
    let damaged = false
    for (const path of somePaths(args, 'litetap ltx-tool list app/ltx/0/*.ltx')) {
      try {
        rows.push(await rowOf(io, path))
      } catch (error) {
        damaged = true
        print(io.stderr, fileTrouble(path, error))
      }
    }
    io.stdout.write(flags.tsv ? rows.map((row) => `${row.join('\t')}\n`).join('') : formatTable(rows))
    return damaged ? 1 : 0
  },
})

function rowOf(io: CliIO, path: string): Promise<readonly string[]> {
  return withLtx(io, path, async (reader) => {
    const header = await reader.header()
    const trailer = await reader.close()
    return [
      formatChecksum(header.minTXID),
      formatChecksum(header.maxTXID),
      `${header.commit}`,
      `${reader.pageIndex.length}`,
      formatChecksum(header.preApplyChecksum),
      formatChecksum(trailer.postApplyChecksum),
      header.timestamp === 0 ? '' : formatHeaderTime(header.timestamp, 'seconds'),
      `${header.walOffset}`,
      `${header.walSize}`,
      formatSalts(header),
    ]
  })
}
