import type { DatabaseEntry, DirectoryEntry } from '../daemon/config/config.ts'
import type { Finding } from '../daemon/doctor/index.ts'
import type { ReplicaClient } from '../storage/node.ts'
import { defineCommand } from './command.ts'
import { CONFIG_ARGUMENTS, CONFIG_FLAGS, type ConfigFlags, expandPath, findDatabase, readConfig } from './config.ts'
import { loadCommands } from './deps.ts'
import { errorMessage, hintOf, usageError } from './errors.ts'
import { boolFlag } from './flags.ts'
import { type CliIO, print, printJSON } from './io.ts'
import { openPlain, openSettings } from './source.ts'

const USAGE = `The doctor command checks a database, its replica and this machine, before or
while they are used, and says what to do about what it finds.

Usage:

\tlitetap doctor [arguments] DB_PATH REPLICA_URL
\tlitetap doctor [arguments] [DB_PATH]

Without a replica URL the databases of the configuration file are checked, or the
one that is named with -config.

Arguments:

\t-json
\t    Output raw JSON instead of human-readable text.

\t-no-write
\t    Write nothing. Otherwise one small object is written to the replica, as
\t    litetap/doctor-<random> below its path, and deleted again.

${CONFIG_ARGUMENTS}
The exit code is 1 when a check fails; warnings leave it at 0.

Examples:

\t$ litetap doctor /path/to/db s3://mybkt/db
\t$ litetap doctor -no-write -json /path/to/db s3://mybkt/db
\t$ litetap doctor -config /etc/litestream.yml

`

const EXAMPLE = 'litetap doctor /path/to/db s3://bucket/prefix'
const MARKS = { ok: 'ok', warning: 'WARNING', failure: 'FAILURE' } as const

export const doctor = defineCommand({
  name: 'doctor',
  usage: USAGE,
  flags: { ...CONFIG_FLAGS, json: boolFlag(), 'no-write': boolFlag() },
  async run(io, flags, args) {
    const [path, url] = args
    if (args.length > 2) throw usageError('too many arguments', EXAMPLE)
    if (url !== undefined && flags.config !== '') {
      throw usageError('cannot specify a replica URL and the -config flag', EXAMPLE)
    }
    if (path !== undefined && url === undefined && flags.config === '') {
      throw usageError(`must specify the replica URL of ${path}`, EXAMPLE)
    }
    if (path !== undefined && url !== undefined) {
      const patient = { path: expandPath(path, io), client: await openPlain(url, io) }
      const findings = await examine(patient, flags, io)
      if (flags.json) printJSON(io.stdout, findings)
      else print(io.stdout, summary(findings))
      return exitCode(findings)
    }
    const entries = path === undefined ? await configured(flags, io) : [await findDatabase(path, flags, io)]
    return await examineEach(entries, flags, io)
  },
})

interface DoctorFlags {
  readonly json: boolean
  readonly 'no-write': boolean
}

/** A folder of which no database can be examined. */
interface Folder {
  readonly path: string
  readonly finding: Finding
}

/** The databases of the configuration file, those in its folders too. */
async function configured(flags: ConfigFlags, io: CliIO): Promise<readonly (DatabaseEntry | Folder)[]> {
  const { config, path } = await readConfig(flags, io)
  if (config.databases.length === 0) throw usageError(`no database to check in ${path}`, EXAMPLE)
  const { configuredDatabase } = await loadCommands()
  const entries = new Map<string, DatabaseEntry | Folder>()
  for (const entry of config.databases) {
    const found = entry.kind === 'database' ? [entry] : await lookInto(entry)
    for (const each of found) {
      entries.set(each.path, 'finding' in each ? each : configuredDatabase(config, each.path)!)
    }
  }
  return [...entries.values()]
}

async function lookInto(entry: DirectoryEntry): Promise<readonly (DatabaseEntry | Folder)[]> {
  const { folderDatabases } = await loadCommands()
  const { dir: path, pattern } = entry
  try {
    const found = await folderDatabases(entry, true)
    if (found.length > 0) return found
    const message = `No database in ${path} has a name like ${pattern}`
    return [{ path, finding: { check: 'dir', status: 'warning', message, hint: 'Check pattern and recursive.' } }]
  } catch (error) {
    return [{ path, finding: failed('dir', error) }]
  }
}

/** One after the other; a replica that cannot even be opened is a finding, and the others are looked at all the same. */
async function examineEach(
  entries: readonly (DatabaseEntry | Folder)[],
  flags: DoctorFlags,
  io: CliIO,
): Promise<number> {
  const reports: { readonly database: string; readonly findings: readonly Finding[] }[] = []
  for (const entry of entries) {
    if (!flags.json) print(io.stdout, `${reports.length > 0 ? '\n' : ''}${entry.path}\n`)
    const findings = 'finding' in entry ? tell([entry.finding], flags, io) : await examineEntry(entry, flags, io)
    reports.push({ database: entry.path, findings })
  }
  const all = reports.flatMap(({ findings }) => findings)
  if (flags.json) printJSON(io.stdout, reports)
  else print(io.stdout, summary(all))
  return exitCode(all)
}

async function examineEntry(
  { path, metaPath, replica }: DatabaseEntry,
  flags: DoctorFlags,
  io: CliIO,
): Promise<readonly Finding[]> {
  const client = await openSettings(replica, io).catch((error: unknown) => error)
  if (!isClient(client)) return tell([failed('replica', client)], flags, io)
  return await examine({ path, metaPath, client }, flags, io)
}

function isClient(value: unknown): value is ReplicaClient {
  return !(value instanceof Error)
}

function failed(check: string, error: unknown): Finding {
  const hint = hintOf(error)
  return { check, status: 'failure', message: errorMessage(error), ...(hint !== undefined && { hint }) }
}

function tell(findings: readonly Finding[], flags: DoctorFlags, io: CliIO): readonly Finding[] {
  if (!flags.json) for (const finding of findings) printFinding(io, finding)
  return findings
}

interface Patient {
  readonly path: string
  readonly metaPath?: string | undefined
  readonly client: ReplicaClient
}

/** Make every check, printed as they come but with -json. Closes the client. */
async function examine({ path, metaPath, client }: Patient, flags: DoctorFlags, io: CliIO): Promise<Finding[]> {
  const { diagnose } = await import('../daemon/doctor/index.ts')
  const findings: Finding[] = []
  try {
    const setup = { dbPath: path, client, ...(metaPath !== undefined && { metaPath }) }
    for await (const finding of diagnose(setup, { write: !flags['no-write'], now: io.now })) {
      findings.push(finding)
      if (!flags.json) printFinding(io, finding)
    }
  } finally {
    await client.close()
  }
  return findings
}

function exitCode(findings: readonly Finding[]): number {
  return findings.some(({ status }) => status === 'failure') ? 1 : 0
}

function printFinding(io: CliIO, { check, status, message, hint }: Finding): void {
  print(io.stdout, `${MARKS[status].padEnd(9)}${check.padEnd(19)}${message}`)
  if (hint !== undefined) print(io.stdout, `${' '.repeat(28)}${hint}`)
}

function summary(findings: readonly Finding[]): string {
  const count = (status: Finding['status']) => findings.filter((finding) => finding.status === status).length
  return `\n${count('ok')} ok, ${count('warning')} warnings, ${count('failure')} failures`
}
