import type { DatabaseEntry } from '../daemon/config/config.ts'
import type { Finding } from '../daemon/doctor/index.ts'
import type { ReplicaClient } from '../storage/node.ts'
import { defineCommand } from './command.ts'
import { CONFIG_ARGUMENTS, CONFIG_FLAGS, type ConfigFlags, expandPath, findDatabase, readConfig } from './config.ts'
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

/** The databases of the configuration file. Folders are told of: what will be in them is not known. */
async function configured(flags: ConfigFlags, io: CliIO): Promise<readonly DatabaseEntry[]> {
  const { config, path } = await readConfig(flags, io)
  const entries: DatabaseEntry[] = []
  for (const entry of config.databases) {
    if (entry.kind === 'database') entries.push(entry)
    else print(io.stderr, `Warning: ${entry.dir}: a dir is not looked into; check one of its databases: ${EXAMPLE}`)
  }
  if (entries.length === 0) throw usageError(`no database to check in ${path}`, EXAMPLE)
  return entries
}

/** One after the other; a replica that cannot even be opened is a finding, and the others are looked at all the same. */
async function examineEach(entries: readonly DatabaseEntry[], flags: DoctorFlags, io: CliIO): Promise<number> {
  const reports: { readonly database: string; readonly findings: readonly Finding[] }[] = []
  for (const { path, metaPath, replica } of entries) {
    if (!flags.json) print(io.stdout, `${reports.length > 0 ? '\n' : ''}${path}\n`)
    const client = await openSettings(replica, io).catch((error: unknown) => error)
    const findings = isClient(client)
      ? await examine({ path, metaPath, client }, flags, io)
      : [cannotOpen(client, flags, io)]
    reports.push({ database: path, findings })
  }
  const all = reports.flatMap(({ findings }) => findings)
  if (flags.json) printJSON(io.stdout, reports)
  else print(io.stdout, summary(all))
  return exitCode(all)
}

function isClient(value: unknown): value is ReplicaClient {
  return !(value instanceof Error)
}

function cannotOpen(error: unknown, flags: DoctorFlags, io: CliIO): Finding {
  const hint = hintOf(error)
  const finding: Finding = {
    check: 'replica',
    status: 'failure',
    message: errorMessage(error),
    ...(hint !== undefined && { hint }),
  }
  if (!flags.json) printFinding(io, finding)
  return finding
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
