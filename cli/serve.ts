import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { StaticFile } from '../gateway/index.ts'
import type { ReplicaClient } from '../storage/index.ts'
import { defineCommand } from './command.ts'
import { CONFIG_FLAGS } from './config.ts'
import { loadGateway, loadStorage } from './deps.ts'
import { CliError, errorMessage, usageError } from './errors.ts'
import { boolFlag, durationFlag, type FlagValues, intFlag, listFlag, stringFlag } from './flags.ts'
import type { CliIO } from './io.ts'
import type { Log } from './log.ts'
import { SERVE_USAGE } from './serve-usage.ts'
import { forced, watchSignals } from './signals.ts'
import { openSource } from './source.ts'
import { startLog } from './start-log.ts'

const FLAGS = {
  ...CONFIG_FLAGS,
  addr: stringFlag('127.0.0.1:8321'),
  'token-file': stringFlag(),
  'insecure-no-token': boolFlag(),
  explorer: boolFlag(),
  origin: listFlag(),
  interval: durationFlag(1000),
  rate: intFlag(1000),
  concurrency: intFlag(1024),
  'idle-timeout': durationFlag(30_000),
  'log-level': stringFlag(),
}
type Flags = FlagValues<typeof FLAGS>

const EXAMPLE = 'litetap serve app=s3://bucket/prefix'
/** Bursts are so many times the rate. */
const BURST_FACTOR = 5
const WARNING_INTERVAL_MS = 10_000

export const serve = defineCommand({ name: 'serve', usage: SERVE_USAGE, flags: FLAGS, run: runServe })

async function runServe(io: CliIO, flags: Flags, args: readonly string[]): Promise<number> {
  const { createGateway, parseAddress, Tokens } = await loadGateway()
  const sources = await parseSources(args)
  checkFlags(flags)
  const address = parseAddress(flags.addr)
  const text = await readTokens(io, flags['token-file'])
  const tokens = text === undefined ? undefined : new Tokens(text, sources.keys())
  const staticFiles = flags.explorer ? await explorerFiles() : undefined
  const log = await startLog(io, flags['log-level'])
  const gateway = createGateway({
    databases: await openAll(sources, flags, { io, log }),
    ...(tokens && { tokens }),
    ...(flags.origin.length > 0 && { origins: flags.origin }),
    ...(staticFiles && { staticFiles }),
    insecureNoToken: flags['insecure-no-token'],
    checkIntervalMs: flags.interval,
    limits: {
      requestsPerSecond: flags.rate,
      burst: flags.rate * BURST_FACTOR,
      concurrent: flags.concurrency,
      idleTimeoutMs: flags['idle-timeout'],
    },
    onError: storeWarnings(io, log),
    onRequest: (request) => log.debug('request', { ...request, ms: Math.round(request.ms) }),
  })
  const signals = watchSignals(io)
  try {
    const { url } = await gateway.listen(address)
    for (const [name, source] of sources)
      log.info('serving', { database: name, from: source.shown, at: `${url}/${name}` })
    if (staticFiles) for (const name of sources.keys()) log.info('explore', { at: explorerURL(url, name) })
    if (tokens === undefined) log.warn('no tokens: whoever can connect may read')
    log.info('signal received, litetap shutting down', { signal: await signals.first })
    await Promise.race([gateway.close(), forced(signals)])
    log.info('litetap shut down')
  } finally {
    signals.close()
    await gateway.close(0)
  }
  return 0
}

/** The page as it was built: beside the compiled package, also where the source runs. */
async function explorerFiles(): Promise<ReadonlyMap<string, StaticFile>> {
  const { pageFiles } = await loadGateway()
  const folder = import.meta.url.endsWith('.ts') ? '../dist/explorer/' : '../explorer/'
  try {
    return await pageFiles(fileURLToPath(new URL(folder, import.meta.url)))
  } catch (cause) {
    throw new CliError('CLI_FAILED', 'the explorer has not been built', { hint: 'run: npm run build', cause })
  }
}

function explorerURL(url: string, name: string): string {
  return `${url}/#url=${encodeURIComponent(`${url}/${name}`)}`
}

interface Source {
  readonly url: string
  /** Without any secret. */
  readonly shown: string
}

/** `NAME=URL`, or a URL (or a database of the configuration file) that names itself by its last part. */
async function parseSources(args: readonly string[]): Promise<Map<string, Source>> {
  if (args.length === 0) throw usageError('replica URL required', EXAMPLE)
  const { redactURL } = await loadStorage()
  const { DATABASE_NAME } = await loadGateway()
  const sources = new Map<string, Source>()
  for (const arg of args) {
    if (arg.startsWith('-')) throw usageError(`flag "${arg}" must be positioned before the replica URLs`)
    const [, given, url = ''] = /^(?:((?:(?!:\/\/)[^=])*)=)?(.*)$/s.exec(arg) ?? []
    const shown = redactURL(url)
    const name = given ?? lastPart(url)
    if (!DATABASE_NAME.test(name)) {
      throw usageError(`cannot serve ${shown} as "${name}": it needs a name of letters, digits, ._-`, EXAMPLE)
    }
    if (sources.has(name)) throw usageError(`two databases have the name "${name}"`, 'litetap serve a=URL b=URL')
    sources.set(name, { url, shown })
  }
  return sources
}

function lastPart(url: string): string {
  const path = url.replace(/[?#].*$/s, '').replace(/\/+$/, '')
  return path.slice(path.lastIndexOf('/') + 1)
}

function checkFlags(flags: Flags): void {
  if (flags.interval <= 0) throw usageError('-interval must be greater than 0')
  if (flags['idle-timeout'] <= 0) throw usageError('-idle-timeout must be greater than 0')
  if (flags.rate < 0) throw usageError('-rate must not be negative')
  if (flags.concurrency < 1) throw usageError('-concurrency must be at least 1')
}

/** @returns undefined when there are none, which is not the same as an empty list */
async function readTokens(io: CliIO, file: string): Promise<string | undefined> {
  const { LITETAP_TOKENS: text } = io.env
  if (file === '') return text
  if (text !== undefined) throw usageError('cannot use -token-file and $LITETAP_TOKENS together')
  return await readFile(resolve(io.cwd, file), 'utf8').catch((cause) => {
    throw new CliError('CLI_FAILED', `cannot read the tokens in ${file}: ${errorMessage(cause)}`, { cause })
  })
}

async function openAll(
  sources: ReadonlyMap<string, Source>,
  flags: Flags,
  { io, log }: { io: CliIO; log: Log },
): Promise<ReadonlyMap<string, ReplicaClient>> {
  const opened = new Map<string, ReplicaClient>()
  try {
    for (const [name, { url }] of sources)
      opened.set(name, await openSource(url, flags, { io, log: log.with({ database: name }) }))
  } catch (error) {
    for (const client of opened.values()) await client.close()
    throw error
  }
  return opened
}

/** Many requests at once fail for one reason. */
function storeWarnings(io: CliIO, log: Log): (error: unknown, database: string | undefined) => void {
  let warnedAt = Number.NEGATIVE_INFINITY
  return (error, database) => {
    if (io.now() - warnedAt < WARNING_INTERVAL_MS) return
    warnedAt = io.now()
    log.warn('a request failed', { database, error: errorMessage(error) })
  }
}
