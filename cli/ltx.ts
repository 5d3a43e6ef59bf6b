import { defineCommand } from './command.ts'
import { CONFIG_ARGUMENTS, CONFIG_FLAGS } from './config.ts'
import { type FileLine, loadCommands, type loadStorage } from './deps.ts'
import { usageError } from './errors.ts'
import { boolFlag, customFlag } from './flags.ts'
import { type CliIO, print, printJSON } from './io.ts'
import { createLog } from './log.ts'
import { openSource } from './source.ts'
import { formatTable } from './table.ts'

const SNAPSHOT_LEVEL = 9

const USAGE = `The ltx command lists the LTX files of a replica.

Usage:

\tlitetap ltx [arguments] DB_PATH|REPLICA_URL

Arguments:

\t-level LEVEL
\t    Compaction level to list (0-9 or "all").
\t    Defaults to 0.

\t-json
\t    Output raw JSON instead of human-readable text.

${CONFIG_ARGUMENTS}
Examples:

\t# List the newest LTX files of a replica.
\t$ litetap ltx s3://mybkt/db

\t# List its snapshots (level 9).
\t$ litetap ltx -level 9 s3://mybkt/db

\t# List its files of all levels.
\t$ litetap ltx -level all s3://mybkt/db

`

export const ltx = defineCommand({
  name: 'ltx',
  usage: USAGE,
  flags: {
    ...CONFIG_FLAGS,
    json: boolFlag(),
    level: customFlag(parseLevel),
  },
  async run(io, flags, args) {
    const [source = ''] = args
    if (source === '') throw usageError('database path or replica URL required', 'litetap ltx s3://bucket/prefix')
    if (args.length > 1) throw usageError('too many arguments')
    const log = createLog({ output: io.stderr, level: 'info', now: io.now })
    const client = await openSource(source, flags, { io, log })
    try {
      const { listFiles } = await loadCommands()
      const files = await listFiles(client, flags.level ?? [0])
      if (flags.json) printJSON(io.stdout, files)
      else printTable(io, files)
      if (files.length === 0 && (await holdsV3(client))) print(io.stderr, V3_NOTE)
    } finally {
      await client.close()
    }
    return 0
  },
})

type Client = Awaited<ReturnType<Awaited<ReturnType<typeof loadStorage>>['openReplica']>>

const V3_NOTE =
  'This is a backup of Litestream v0.3, without LTX files; litetap restore can restore it, -dry-run shows its files.'

async function holdsV3(client: Client): Promise<boolean> {
  for await (const _ of client.v3?.list() ?? []) return true
  return false
}

function printTable(io: CliIO, files: readonly FileLine[]): void {
  const rows = files.map((file) => [`${file.level}`, file.min_txid, file.max_txid, `${file.size}`, file.timestamp])
  io.stdout.write(formatTable([['level', 'min_txid', 'max_txid', 'size', 'created'], ...rows]))
}

/** `all`, or one level. */
function parseLevel(text: string): readonly number[] {
  if (text === 'all') return Array.from({ length: SNAPSHOT_LEVEL + 1 }, (_, level) => level)
  if (!/^[+-]?\d+$/.test(text)) throw new Error(`invalid level: must be 0-${SNAPSHOT_LEVEL} or "all"`)
  const level = Number(text)
  if (level < 0 || level > SNAPSHOT_LEVEL) throw new Error(`level must be between 0 and ${SNAPSHOT_LEVEL}`)
  return [level]
}
