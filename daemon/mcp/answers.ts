import { formatTXID } from '../../ltx/index.ts'
import { listDatabases, listFiles, type StatusLine, statusLine } from '../commands/index.ts'
import type { Config } from '../config/config.ts'
import { configuredDatabase } from '../configured-databases.ts'
import { rfc3339 } from '../socket/diagnose.ts'
import { withReplica } from './find-replica.ts'
import type { McpSubject } from './subject.ts'

// What the tools answer that only look.

type Answer = Promise<Record<string, unknown>>
type ConfigArgument = { readonly config?: string | undefined }

/** A model's memory is short: of more files than this, the newest are shown. */
const FILES_SHOWN = 100

export async function version(subject: McpSubject): Answer {
  return { name: 'litetap', version: subject.version }
}

export async function databases(subject: McpSubject, { config }: ConfigArgument): Answer {
  return { databases: listDatabases(await subject.loadConfig(config)) }
}

export async function ltx(subject: McpSubject, args: ConfigArgument & { readonly path: string }): Answer {
  return { path: args.path, ...(await filesOf(subject, args)) }
}

export async function info(subject: McpSubject, { config }: ConfigArgument): Answer {
  const loaded = await subject.loadConfig(config)
  const described: Record<string, unknown>[] = []
  for (const line of listDatabases(loaded)) {
    const isDatabase = loaded.databases.some((entry) => entry.kind === 'database' && entry.path === line.path)
    described.push({ ...line, ...(isDatabase && (await filesOrWhyNot(subject, { path: line.path, config }))) })
  }
  return {
    version: subject.version,
    config: config ?? 'of the running daemon',
    databases: described,
    daemon: running(subject),
  }
}

export async function status(
  subject: McpSubject,
  { config, path }: ConfigArgument & { readonly path?: string | undefined },
): Answer {
  const wanted = path === undefined ? undefined : subject.expandPath(path)
  const known = statusTargets(await subject.loadConfig(config), subject)
  const lines: (StatusLine & Record<string, unknown>)[] = []
  for (const [database, metaPath] of known) {
    if (wanted !== undefined && wanted !== database) continue
    const line = await statusLine(database, metaPath === undefined ? {} : { metaPath })
    lines.push({ ...line, ...daemonState(subject, database) })
  }
  return { databases: lines }
}

/** The databases of the configuration, and those that the daemon has besides: found in folders, or registered. */
function statusTargets(config: Config, { control }: McpSubject): Map<string, string | undefined> {
  const named = config.databases.flatMap((entry) => (entry.kind === 'database' ? [entry.path] : []))
  const paths = new Set([...control.list().map(({ path }) => path), ...named])
  return new Map([...paths].map((path) => [path, configuredDatabase(config, path)?.metaPath]))
}

async function filesOf(subject: McpSubject, source: ConfigArgument & { readonly path: string }) {
  const files = await withReplica(subject, source, (client) => listFiles(client, [0]))
  return { file_count: files.length, files: files.slice(-FILES_SHOWN) }
}

async function filesOrWhyNot(subject: McpSubject, source: ConfigArgument & { readonly path: string }) {
  try {
    return await filesOf(subject, source)
  } catch (error) {
    return { error: (error as Error).message }
  }
}

function running(subject: McpSubject): Record<string, unknown>[] {
  return subject.control.list().map(({ path }) => ({ path, ...daemonState(subject, path) }))
}

/** What the daemon itself knows of a database. */
function daemonState({ control }: McpSubject, path: string): Record<string, unknown> {
  const report = control.report(path)
  if (!report) return { state: 'not in this daemon' }
  const { state, txid, replicatedTXID, lastSyncAt, trouble, replicaURL } = report
  return {
    state,
    replica_url: replicaURL,
    txid: formatTXID(txid),
    replicated_txid: formatTXID(replicatedTXID),
    ...(lastSyncAt !== undefined && { last_sync_at: rfc3339(lastSyncAt) }),
    ...(trouble !== undefined && { trouble }),
  }
}
