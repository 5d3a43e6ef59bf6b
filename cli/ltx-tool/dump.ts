import type { Header, LtxReader } from '../../ltx/index.ts'
import { defineCommand } from '../command.ts'
import { type CliIO, print } from '../io.ts'
import { onlyPath, withLtx } from './files.ts'
import { formatChecksum, formatHeaderTime, formatSalts, formatWord } from './format.ts'
import { hexdump } from './hexdump.ts'

const USAGE = `The dump command prints all of one LTX file: header, pages, trailer.

Usage:

\tlitetap ltx-tool dump PATH

`

/** The one version of the format there is; the header says it by its magic. */
const VERSION = 3

export const dump = defineCommand({
  name: 'dump',
  usage: USAGE,
  flags: {},
  async run(io, _flags, args) {
    const path = onlyPath(args, 'litetap ltx-tool dump app/ltx/0/0000000000000001-0000000000000001.ltx')
    await withLtx(io, path, (reader) => dumpFile(io, reader))
    return 0
  },
})

async function dumpFile(io: CliIO, reader: LtxReader): Promise<void> {
  print(io.stdout, headerText(await reader.header()))
  print(io.stdout, '# PAGE DATA')
  let frame = 0
  for await (const { pgno, data } of reader.pages()) {
    print(io.stdout, `Frame #${frame++}: pgno=${pgno}\n${hexdump(data)}`)
    await io.stdout.drain?.()
  }
  const trailer = await reader.close()
  print(io.stdout, '\n# TRAILER')
  print(io.stdout, `Post-apply:    ${formatChecksum(trailer.postApplyChecksum)}`)
  print(io.stdout, `File Checksum: ${formatChecksum(trailer.fileChecksum)}\n`)
}

function headerText(header: Header): string {
  return [
    '# HEADER',
    `Version:   ${VERSION}`,
    `Flags:     0x${formatWord(header.flags)}`,
    `Page size: ${header.pageSize}`,
    `Commit:    ${header.commit}`,
    `Min TXID:  ${formatChecksum(header.minTXID)} (${header.minTXID})`,
    `Max TXID:  ${formatChecksum(header.maxTXID)} (${header.maxTXID})`,
    `Timestamp: ${formatHeaderTime(header.timestamp, 'milliseconds')} (${header.timestamp})`,
    `Pre-apply: ${formatChecksum(header.preApplyChecksum)}`,
    `WAL offset: ${header.walOffset}`,
    `WAL size:   ${header.walSize}`,
    `WAL salt:   ${formatSalts(header)}`,
    '',
  ].join('\n')
}
