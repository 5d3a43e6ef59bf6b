import { stat } from 'node:fs/promises'
import { dirname, isAbsolute } from 'node:path'
import { formatTXID, parseTXID } from '../../ltx/index.ts'
import type { RestoreTarget } from '../../replica/index.ts'
import { restore as restoreReplica } from '../../writer/index.ts'
import { meansNoBackup, resetDatabase } from '../commands/index.ts'
import { parseTimestamp } from '../commands/timestamp.ts'
import { configuredDatabase, isReplicaURL, withReplica } from './find-replica.ts'
import type { McpSubject } from './subject.ts'
import { ToolError } from './tool-error.ts'

// What the tools do that write. They never write over anything, nor into what this daemon replicates.

export interface RestoreArguments {
  readonly path: string
  readonly o?: string | undefined
  readonly config?: string | undefined
  readonly txid?: string | undefined
  readonly timestamp?: string | undefined
  readonly parallelism?: string | undefined
  readonly if_db_not_exists?: boolean | undefined
  readonly if_replica_exists?: boolean | undefined
}

export async function restore(subject: McpSubject, args: RestoreArguments, signal: AbortSignal) {
  const target = parseTarget(args)
  const parallelism = parseParallelism(args.parallelism)
  const output = await checkOutput(subject, await outputOf(subject, args))
  if (output.exists) {
    if (args.if_db_not_exists) return { status: 'skipped', reason: 'database already exists', db_path: output.path }
    throw new ToolError(`${output.path} exists already, and is not written over`, 'another path as o')
  }
  return await withReplica(subject, args, async (client) => {
    try {
      const done = await restoreReplica(client, output.path, {
        ...target,
        ...(parallelism !== undefined && { parallelism }),
        signal,
      })
      const { txid, commit, pageSize, durationMs } = done
      return {
        status: 'restored',
        db_path: output.path,
        replica: client.type,
        txid: formatTXID(txid),
        size: commit * pageSize,
        duration_ms: Math.round(durationMs),
      }
    } catch (error) {
      if (!args.if_replica_exists || !meansNoBackup(error, target)) throw error
      return { status: 'skipped', reason: 'no matching backups found', db_path: output.path }
    }
  })
}

export async function reset(
  subject: McpSubject,
  { path, config }: { readonly path: string; readonly config?: string | undefined },
) {
  const database = checkPath(subject, path)
  refuseWhileReplicated(subject, database)
  const entry = await configuredDatabase(subject, path, config).catch(() => undefined)
  const { hadState, ltxDir, files } = await resetDatabase(database, {
    ...(entry?.metaPath !== undefined && { metaPath: entry.metaPath }),
  })
  return hadState
    ? { status: 'reset', database, removed: ltxDir, files: files.length }
    : { status: 'nothing to reset', database }
}

function parseTarget({ txid, timestamp }: RestoreArguments): RestoreTarget {
  if (txid !== undefined && timestamp !== undefined) throw new ToolError('cannot use txid and timestamp together')
  if (txid !== undefined) {
    const parsed = parseTXID(txid.toLowerCase())
    if (parsed === undefined) throw new ToolError(`invalid txid ${txid}`, 'exactly 16 hex digits')
    return { txid: parsed }
  }
  if (timestamp === undefined) return {}
  const time = parseTimestamp(timestamp)
  if (time === undefined) throw new ToolError(`invalid timestamp ${timestamp}`, 'RFC 3339, as in 2000-01-01T00:00:00Z')
  return { timestamp: time }
}

function parseParallelism(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (!/^[1-9]\d?$/.test(text)) throw new ToolError(`invalid parallelism ${text}`, 'a whole number from 1 to 99')
  return Number(text)
}

async function outputOf(subject: McpSubject, { path, o, config }: RestoreArguments): Promise<string> {
  if (o !== undefined) return o
  if (isReplicaURL(path))
    throw new ToolError('o is required when restoring from a replica URL', 'an absolute path as o')
  return (await configuredDatabase(subject, path, config)).path
}

/** Where to restore to: an absolute path in a folder that is there, of no database of this daemon. */
async function checkOutput(subject: McpSubject, text: string): Promise<{ path: string; exists: boolean }> {
  const path = checkPath(subject, text)
  const folder = await stat(dirname(path)).catch(() => undefined)
  if (!folder?.isDirectory())
    throw new ToolError(`there is no folder ${dirname(path)}`, 'a path in a folder that exists')
  const exists = await stat(path).then(
    () => true,
    () => false,
  )
  if (!exists) refuseWhileReplicated(subject, path)
  return { path, exists }
}

function checkPath(subject: McpSubject, text: string): string {
  if (text === '' || text.includes('\0')) throw new ToolError('the path is not one')
  // The daemon's working directory means nothing to whoever asks.
  const path = text.replace(/^sqlite3?:\/\//, '')
  if (!isAbsolute(path) && !path.startsWith('~/')) throw new ToolError(`${text} is not absolute`, 'an absolute path')
  return subject.expandPath(path)
}

function refuseWhileReplicated({ control }: McpSubject, path: string): void {
  const report = control.report(path)
  if (!report || report.state === 'stopped') return
  throw new ToolError(`${path} is being replicated by this daemon`, `stop it first: litetap stop ${path}`)
}
