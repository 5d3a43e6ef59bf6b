import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Catalog, LtxFileInfo, ReplicaClient } from '../storage/node.ts'
import { defineCommand } from './command.ts'
import { CONFIG_ARGUMENTS, CONFIG_FLAGS } from './config.ts'
import { loadStorage } from './deps.ts'
import { CliError, errorMessage, usageError } from './errors.ts'
import { customFlag, stringFlag } from './flags.ts'
import { formatBytes } from './humanize.ts'
import { type CliIO, print } from './io.ts'
import { createLog } from './log.ts'
import { openSource } from './source.ts'

const USAGE = `The catalog command lists a replica and writes its catalog.

The catalog (litetap/catalog.json below the replica) tells readers what there is
where a web server cannot be asked: litetap opens https:// replicas by it.
"litetap replicate -catalog" keeps it current; this command writes it once, as
the replica is now. Litestream pays no attention to it.

Usage:

\tlitetap catalog [arguments] DB_PATH|REPLICA_URL

Arguments:

\t-o PATH
\t    Write it to a file, or to stdout ("-"), instead of to the replica.

\t-layout LAYOUT
\t    How the files are named where it will be read: "ltx" (ltx/0/...)
\t    or "s3" (0000/...). Defaults to how the replica has them.

${CONFIG_ARGUMENTS}
Examples:

\t$ litetap catalog s3://mybkt/db

\t# With credentials that may only read.
\t$ litetap catalog -o catalog.json s3://mybkt/db

`
const EXAMPLE = 'litetap catalog s3://bucket/prefix'

export const catalog = defineCommand({
  name: 'catalog',
  usage: USAGE,
  flags: { ...CONFIG_FLAGS, o: stringFlag(), layout: customFlag(parseLayout) },
  async run(io, flags, args) {
    const [source = ''] = args
    if (source === '') throw usageError('replica URL required', EXAMPLE)
    if (args.length > 1) throw usageError('too many arguments')
    const log = createLog({ output: io.stderr, level: 'info', now: io.now })
    const client = await openSource(source, flags, { io, log })
    try {
      const { CATALOG_NAME, encodeCatalog, layoutOf, listDated } = await loadStorage()
      const files = [...(await listDated(client)).values()]
      if (files.length === 0) {
        const hint = 'check the URL, or replicate a database to it first'
        throw new CliError('CLI_FAILED', `cannot write a catalog of ${client.url}: it has no LTX files`, { hint })
      }
      const layout = flags.layout ?? layoutOf(client.type)
      let body = encodeCatalog({ layout, files })
      if (flags.o !== '') await save(io, flags.o, body)
      else if (client.writeSidecar) {
        const pageMap = await writePageMap(client, files)
        body = encodeCatalog({ layout, pageMap, files })
        await client.writeSidecar(CATALOG_NAME, body)
      } else
        throw usageError(`nothing can be written to ${client.url}`, `litetap catalog -o catalog.json ${client.url}`)
      if (flags.o === '-') return 0
      const { formatTXID } = await import('../ltx/index.ts')
      const { highestTXID } = await import('../replica/index.ts')
      print(io.stdout, `Wrote ${flags.o || `${CATALOG_NAME} of ${client.url}`}`)
      print(
        io.stdout,
        `${files.length} files up to TXID ${formatTXID(highestTXID(files))}, ${formatBytes(body.length)}`,
      )
    } finally {
      await client.close()
    }
    return 0
  },
})

/** Before the catalog that names it. @returns undefined when it cannot be made: readers do without */
async function writePageMap(client: ReplicaClient, files: readonly LtxFileInfo[]): Promise<Catalog['pageMap']> {
  const { PAGE_MAP_NAME } = await loadStorage()
  const { PageMapMaker } = await import('../replica/published/index.ts')
  const made = await new PageMapMaker(client).make(files)
  if (!made) return undefined
  await client.writeSidecar!(PAGE_MAP_NAME, made.body)
  return { txid: made.txid, size: made.body.length }
}

async function save(io: CliIO, path: string, body: Uint8Array): Promise<void> {
  if (path === '-') return io.stdout.write(new TextDecoder().decode(body))
  await writeFile(resolve(io.cwd, path), body).catch((cause) => {
    throw new CliError('CLI_FAILED', `cannot write ${path}: ${errorMessage(cause)}`, { cause })
  })
}

function parseLayout(text: string): 'ltx' | 's3' {
  if (text !== 'ltx' && text !== 's3') throw new Error('must be "ltx" or "s3"')
  return text
}
