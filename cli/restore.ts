import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { RestoreTarget } from '../replica/index.ts'
import { defineCommand } from './command.ts'
import { CONFIG_FLAGS, expandPath } from './config.ts'
import { type IntegrityCheck, loadCommands, loadWriter } from './deps.ts'
import { CliError, errorMessage, hasCode, hintOf, usageError } from './errors.ts'
import { boolFlag, durationFlag, type FlagValues, intFlag, stringFlag, txidFlag } from './flags.ts'
import { followLogger } from './follow-log.ts'
import { formatBytes, formatSpan } from './humanize.ts'
import { type CliIO, print, printJSON } from './io.ts'
import { createLog, type Log, parseLogLevel } from './log.ts'
import { type Progress, showProgress } from './progress.ts'
import { buildPlan, printPlan } from './restore-plan.ts'
import { RESTORE_USAGE } from './restore-usage.ts'
import { buildV3Plan, printV3Plan, v3Fields } from './restore-v3-plan.ts'
import { forced, untilSignal, watchSignals } from './signals.ts'
import { isURL, looksLikeURL, openSource } from './source.ts'
import { parseTimestamp } from './timestamp.ts'

const FLAGS = {
  ...CONFIG_FLAGS,
  o: stringFlag(),
  txid: txidFlag(),
  timestamp: stringFlag(),
  'if-db-not-exists': boolFlag(),
  'if-replica-exists': boolFlag(),
  'dry-run': boolFlag(),
  force: boolFlag(),
  json: boolFlag(),
  f: boolFlag(),
  'follow-interval': durationFlag(1000),
  parallelism: intFlag(8),
  'integrity-check': stringFlag('none'),
}
type Flags = FlagValues<typeof FLAGS>

export const restore = defineCommand({ name: 'restore', usage: RESTORE_USAGE, flags: FLAGS, run: runRestore })

async function runRestore(io: CliIO, given: Flags, args: readonly string[]): Promise<number> {
  const [source = ''] = args
  if (source === '') {
    throw usageError('database path or replica URL required', 'litetap restore -o /path/to/db s3://bucket/prefix')
  }
  if (args.length > 1) throw usageError('too many arguments')
  const flags =
    given.o === '' && !isURL(source) && !looksLikeURL(source) ? { ...given, o: expandPath(source, io) } : given
  const integrityCheck = checkIntegrityFlag(flags['integrity-check'])
  const target = checkTarget(flags)
  if (flags.o === '') {
    const hint = `litetap restore -o /path/to/db ${source}`
    throw usageError('-o is required when restoring from a replica URL', hint)
  }
  const progress = showProgress(io)
  const log = logAround(io, flags.json, progress)
  if (flags['if-db-not-exists'] && flags.o !== '' && (await exists(resolve(io.cwd, flags.o)))) {
    log.info('database already exists, skipping')
    return 0
  }
  const client = await openSource(source, flags, { io, log })
  const job: Job = { io, flags, source, client, target, integrityCheck, progress, log }
  try {
    if (flags['dry-run']) await dryRun(job)
    else if (flags.f) await followUntilSignal(job)
    else await restoreOnce(job)
  } catch (error) {
    const { meansNoBackup } = await loadCommands()
    if (!flags['if-replica-exists'] || !meansNoBackup(error, target)) throw explain(error, client.url)
    log.info('no matching backups found')
  } finally {
    progress.clear()
    await client.close()
  }
  return 0
}

interface Job {
  readonly io: CliIO
  readonly flags: Flags
  readonly source: string
  readonly client: Awaited<ReturnType<typeof openSource>>
  readonly target: RestoreTarget
  readonly integrityCheck: IntegrityCheck
  readonly progress: Progress
  readonly log: Log
}

async function dryRun({ io, flags, source, client, target }: Job): Promise<void> {
  const { findV3Restore, planRestoreFiles } = await loadWriter()
  const v3 = await findV3Restore(client, target)
  if (v3 !== undefined) {
    const plan = buildV3Plan(v3, { source, target: flags.o, replica: client.type })
    if (flags.json) printJSON(io.stdout, plan)
    else printV3Plan(io.stdout, plan)
    return
  }
  const { files } = await planRestoreFiles(client, target)
  const plan = buildPlan(files, { source, target: flags.o, replica: client.type })
  if (flags.json) printJSON(io.stdout, plan)
  else printPlan(io.stdout, plan)
}

async function restoreOnce(job: Job): Promise<void> {
  const { io, flags, client, target, integrityCheck, progress, log } = job
  const { restore } = await loadWriter()
  const { formatTXID } = await import('../ltx/index.ts')
  const started = io.now()
  const result = await untilSignal(io, (signal) =>
    restore(client, resolve(io.cwd, flags.o), {
      ...target,
      force: flags.force,
      integrityCheck,
      parallelism: flags.parallelism,
      onProgress: showDownload(job),
      onWarning: (message) => log.warn(message),
      signal,
    }),
  )
  progress.clear()
  if (integrityCheck !== 'none') log.info('post-restore integrity check passed', { replica: client.type })
  const txid = result.v3 === undefined ? formatTXID(result.txid) : ''
  if (result.v3 !== undefined) log.info('restored from a Litestream v0.3 backup', v3Fields(result.v3))
  if (flags.json) printSummary(job, txid, started)
  else if (io.stderr.isTTY) {
    const size = formatBytes(result.commit * result.pageSize)
    const state = result.v3 === undefined ? `TXID ${txid}` : 'the state of a v0.3 backup'
    print(io.stderr, `Restored ${flags.o} to ${state} (${size} in ${formatSpan(result.durationMs)})`)
  }
}

async function followUntilSignal(job: Job): Promise<void> {
  const { io, flags, client, integrityCheck, log } = job
  const { follow } = await loadWriter()
  const started = io.now()
  const signals = watchSignals(io)
  try {
    const following = follow(client, resolve(io.cwd, flags.o), {
      intervalMs: flags['follow-interval'],
      parallelism: flags.parallelism,
      integrityCheck,
      onProgress: showDownload(job),
      onWarning: (message) => log.warn(message),
      onEvent: followLogger(log),
      signal: signals.stop,
    })
    await Promise.race([following, forced(signals)])
  } finally {
    signals.close()
  }
  log.info('follow mode stopped')
  if (flags.json) printSummary(job, '', started)
}

function showDownload({ progress, integrityCheck }: Job) {
  return (done: { readonly bytes: number; readonly totalBytes: number }) => {
    const checking = done.bytes === done.totalBytes && integrityCheck !== 'none'
    progress.update({ phase: checking ? 'checking' : 'restoring', ...done })
  }
}

function printSummary({ io, flags, client, integrityCheck }: Job, txid: string, started: number): void {
  printJSON(io.stdout, {
    db_path: flags.o,
    replica: client.type,
    txid,
    duration_ms: Math.round(io.now() - started),
    integrity_check: integrityCheck,
  })
}

const ABOUT_THE_REPLICA = ['WRITER_NO_BACKUP', 'WRITER_TX_NOT_AVAILABLE', 'WRITER_GAP', 'WRITER_CORRUPT_REPLICA']

/** Say which replica it is about, and which flag helps. */
function explain(error: unknown, url: string): unknown {
  if (hasCode(error, 'WRITER_OUTPUT_EXISTS')) {
    const hint = 'another output path, or -force to overwrite it'
    return new CliError('CLI_FAILED', errorMessage(error), { hint, cause: error })
  }
  if (!hasCode(error, ...ABOUT_THE_REPLICA)) return error
  return new CliError('CLI_FAILED', `${errorMessage(error)} (${url})`, { hint: hintOf(error), cause: error })
}

/** Log lines go to stdout unless a JSON document does, and never through the bar. */
function logAround(io: CliIO, json: boolean, progress: Progress): Log {
  const output = json ? io.stderr : io.stdout
  const write = (text: string) => {
    progress.clear()
    output.write(text)
  }
  return createLog({ output: { write }, level: parseLogLevel(io.env.LOG_LEVEL ?? '') ?? 'info', now: io.now })
}

function checkTarget(flags: Flags): RestoreTarget {
  const timestamp = flags.timestamp === '' ? undefined : parseTimestamp(flags.timestamp)
  if (flags.timestamp !== '' && timestamp === undefined) {
    throw usageError(
      `invalid -timestamp ${flags.timestamp}: it must be an RFC 3339 time`,
      `-timestamp 2000-01-01T00:00:00Z`,
    )
  }
  const { txid } = flags
  if (txid !== undefined && timestamp !== undefined) throw usageError('cannot use -txid and -timestamp together')
  if (flags.f && txid !== undefined) throw usageError('cannot use follow mode with -txid')
  if (flags.f && timestamp !== undefined) throw usageError('cannot use follow mode with -timestamp')
  if (flags.f && flags['dry-run']) throw usageError('cannot use -dry-run with -f')
  if (flags['follow-interval'] <= 0) throw usageError('-follow-interval must be greater than 0')
  if (txid !== undefined) return { txid }
  return timestamp === undefined ? {} : { timestamp }
}

function checkIntegrityFlag(text: string): IntegrityCheck {
  if (text === 'none' || text === 'quick' || text === 'full') return text
  throw usageError(`invalid -integrity-check value: ${text}`, '-integrity-check quick, or full, or none')
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => error.code !== 'ENOENT',
  )
}
