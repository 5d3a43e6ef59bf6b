import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Budget, Cost, StateTarget } from '../replica/index.ts'
import type { ReplicaClient } from '../storage/index.ts'
import { CONFIG_FLAGS } from './config.ts'
import { hasCode, usageError } from './errors.ts'
import { customFlag, durationFlag, type FlagValues, intFlag, stringFlag, txidFlag } from './flags.ts'
import { formatBytes, formatSpan } from './humanize.ts'
import type { CliIO } from './io.ts'
import { createLog } from './log.ts'
import { parseSize } from './size.ts'
import { openSource } from './source.ts'

/** The flags of every command that reads a replica in place. */
export const READER_FLAGS = {
  ...CONFIG_FLAGS,
  at: stringFlag(),
  txid: txidFlag(),
  wait: durationFlag(0),
  cache: stringFlag(),
  'max-requests': intFlag(0),
  'max-bytes': customFlag(parseSizeFlag),
  'max-round-trips': intFlag(0),
}
export type ReaderFlags = FlagValues<typeof READER_FLAGS>

const WAIT_INTERVAL_MS = 500

export interface Reader {
  readonly database: Database
  /** What ends every query. */
  readonly budget: Budget
  close(): Promise<void>
}

type Database = Awaited<ReturnType<typeof import('../entry/open.ts')['open']>>

/**
 * Open the replica that a command's argument names, at the state that its flags name.
 * @throws CliError for flags that make no sense; what opening throws
 */
export async function openReader(
  source: string,
  flags: ReaderFlags,
  { io, signal }: { io: CliIO; signal: AbortSignal },
): Promise<Reader> {
  const target = await checkTarget(flags, io)
  const log = createLog({ output: io.stderr, level: 'warn', now: io.now })
  const client = await openSource(source, flags, { io, log })
  const newest = await openWaiting(client, flags, { io, signal })
  const budget: Budget = {
    ...(flags['max-requests'] > 0 && { maxRequests: flags['max-requests'] }),
    ...(flags['max-bytes'] !== undefined && { maxBytes: flags['max-bytes'] }),
    ...(flags['max-round-trips'] > 0 && { maxRoundTrips: flags['max-round-trips'] }),
  }
  try {
    const database = target ? await newest.at(target, { signal }) : newest
    return { database, budget, close: () => newest.close() }
  } catch (error) {
    await newest.close()
    throw error
  }
}

/** `12 requests, 34 kB, 5 round trips, 120 ms`. */
export function describeCost(cost: Cost, ms: number): string {
  const count = (number: number, what: string) => `${number} ${what}${number === 1 ? '' : 's'}`
  const requests = count(cost.requests, 'request')
  return `${requests}, ${formatBytes(cost.bytes)}, ${count(cost.roundTrips, 'round trip')}, ${ms < 10_000 ? `${Math.round(ms)} ms` : formatSpan(ms)}`
}

async function openWaiting(
  client: ReplicaClient,
  flags: ReaderFlags,
  { io, signal }: { io: CliIO; signal: AbortSignal },
): Promise<Database> {
  const { open } = await import('../entry/open.ts')
  const end = io.now() + flags.wait
  for (;;) {
    try {
      return await open(client, { signal, ...(flags.cache && { cache: { path: resolve(io.cwd, flags.cache) } }) })
    } catch (error) {
      if (!hasCode(error, 'REPLICA_EMPTY') || io.now() >= end) throw error
    }
    await sleep(Math.min(WAIT_INTERVAL_MS, Math.max(0, end - io.now())), undefined, { signal })
  }
}

async function checkTarget({ at, txid }: ReaderFlags, io: CliIO): Promise<StateTarget | undefined> {
  if (at !== '' && txid !== undefined) throw usageError('cannot use -at and -txid together')
  if (txid !== undefined) return { txid }
  return at === '' ? undefined : await parseTarget(at, io.now())
}

/**
 * A time as people give it.
 * @returns undefined for the newest state
 * @throws CliError for what is no time
 */
export async function parseTarget(text: string, now: number): Promise<StateTarget | undefined> {
  const { parseTime } = await import('../replica/index.ts')
  const timestamp = parseTime(text, now)
  if (timestamp === 'latest') return undefined
  if (timestamp !== undefined) return { timestamp }
  throw usageError(`invalid time ${text}: it must be an RFC 3339 time, or one such as "5 minutes ago"`, '"1 hour ago"')
}

function parseSizeFlag(text: string): number {
  const bytes = parseSize(text)
  if (bytes === undefined) throw new Error('must be a size such as 500kB or 10MB')
  return bytes
}
