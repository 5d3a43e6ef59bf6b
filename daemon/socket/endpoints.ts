import type { ReplicaSettings } from '../../storage/replica-settings.ts'
import type { Control } from '../control.ts'
import { isDaemonError } from '../errors.ts'
import { diagnose, rfc3339 } from './diagnose.ts'
import type {
  InfoReply,
  ListReply,
  RegisterReply,
  StartReply,
  StopReply,
  SyncReply,
  SyncStatusReply,
  TXIDReply,
  UnregisterReply,
} from './messages.ts'
import type { RequestFields } from './read-request.ts'
import { RequestError } from './request-error.ts'

/** What the endpoints answer from. */
export interface Subject {
  readonly control: Control
  /** Of the program. */
  readonly version: string
  /** Milliseconds since the Unix epoch, as is `now`. */
  readonly startedAt: number
  now(): number
  /** A database path as people write it, made absolute. */
  expandPath(text: string): string
  /** @throws StorageError for a URL that is none */
  parseReplica(url: string): ReplicaSettings
}

const DEFAULT_TIMEOUT_MS = 30_000

export async function start(subject: Subject, fields: RequestFields): Promise<StartReply> {
  const { control } = subject
  const path = subject.expandPath(fields.required('path'))
  const timeoutMs = fields.timeoutMs()
  mustExist(control, path)
  const started = await control.start(path, timeoutMs === undefined ? {} : { timeoutMs })
  return { status: started ? 'started' : 'already_running', path, txid: txidOf(control, path) }
}

export async function stop(subject: Subject, fields: RequestFields): Promise<StopReply> {
  const { control } = subject
  const path = subject.expandPath(fields.required('path'))
  const timeoutMs = fields.timeoutMs() ?? DEFAULT_TIMEOUT_MS
  mustExist(control, path)
  const stopped = await control.stop(path, { timeoutMs })
  return { status: stopped ? 'stopped' : 'already_stopped', path, txid: txidOf(control, path) }
}

export async function sync(subject: Subject, fields: RequestFields): Promise<SyncReply> {
  const path = subject.expandPath(fields.required('path'))
  const wait = fields.flag('wait')
  const timeoutMs = fields.timeoutMs() ?? (wait ? DEFAULT_TIMEOUT_MS : undefined)
  const result = await subject.control.sync(path, { wait, ...(timeoutMs !== undefined && { timeoutMs }) })
  const status = !result.changed ? 'no_change' : wait ? 'synced' : 'synced_local'
  return { status, path, txid: result.txid, replicated_txid: result.replicatedTXID }
}

export async function register(subject: Subject, fields: RequestFields): Promise<RegisterReply> {
  const { control } = subject
  const given = fields.required('path')
  const url = fields.required('replica_url')
  const path = subject.expandPath(given)
  if (control.report(path)) return { status: 'already_registered', path }
  let replica: ReplicaSettings
  try {
    replica = subject.parseReplica(url)
  } catch (error) {
    throw new RequestError(400, `invalid replica url: ${(error as Error).message}`)
  }
  const registered = await prefixed('failed to register database', () => control.register(path, replica))
  return { status: registered ? 'registered' : 'already_registered', path }
}

export async function unregister(subject: Subject, fields: RequestFields): Promise<UnregisterReply> {
  const path = subject.expandPath(fields.required('path'))
  const timeoutMs = fields.timeoutMs() ?? DEFAULT_TIMEOUT_MS
  const last = await prefixed('failed to unregister database', () => subject.control.unregister(path, { timeoutMs }))
  return { status: last === undefined ? 'already_unregistered' : 'unregistered', path, txid: last ?? 0n }
}

export async function txid({ control, expandPath }: Subject, query: URLSearchParams): Promise<TXIDReply> {
  const given = query.get('path') ?? ''
  if (given === '') throw new RequestError(400, 'path required')
  const report = control.report(expandPath(given))
  if (!report) throw new RequestError(404, 'database not found')
  return { txid: report.txid }
}

export async function list({ control }: Subject): Promise<ListReply> {
  const databases = control.list().map(({ path, state: status, lastSyncAt }) => ({
    path,
    status,
    ...(lastSyncAt !== undefined && { last_sync_at: rfc3339(lastSyncAt) }),
  }))
  return { databases }
}

export async function info({ control, version, startedAt, now }: Subject): Promise<InfoReply> {
  return {
    version,
    pid: process.pid,
    uptime_seconds: Math.floor((now() - startedAt) / 1000),
    started_at: rfc3339(startedAt),
    database_count: control.list().length,
  }
}

export async function syncStatus(subject: Subject, query: URLSearchParams): Promise<SyncStatusReply> {
  const { control, expandPath, now } = subject
  const given = query.get('path') ?? ''
  const report = given === '' ? undefined : control.report(expandPath(given))
  if (given !== '' && !report) throw new RequestError(404, 'database not found')
  const reports = report ? [report] : control.list()
  return { databases: await Promise.all(reports.map((each) => diagnose(each, now()))) }
}

/** Litestream's status for it: 500 at /start and /stop, where other endpoints say 404. */
function mustExist(control: Control, path: string): void {
  if (!control.report(path)) throw new RequestError(500, `database not found: ${path}`)
}

function txidOf(control: Control, path: string) {
  return control.report(path)?.txid ?? 0n
}

async function prefixed<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (isDaemonError(error, 'DAEMON_NO_SUCH_DATABASE', 'DAEMON_NOT_OPEN')) throw error
    const { message, hint } = error as { message: string; hint?: string }
    throw new RequestError(500, `${what}: ${message}`, hint)
  }
}
