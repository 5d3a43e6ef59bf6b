import type { Finding } from '../daemon/doctor/index.ts'
import { defineCommand } from './command.ts'
import { expandPath } from './config.ts'
import { configUnsupported, usageError } from './errors.ts'
import { boolFlag, stringFlag } from './flags.ts'
import { type CliIO, print, printJSON } from './io.ts'
import { openPlain } from './source.ts'

const USAGE = `The doctor command checks a database, its replica and this machine, before or
while they are used, and says what to do about what it finds.

Usage:

\tlitetap doctor [arguments] DB_PATH REPLICA_URL

Arguments:

\t-json
\t    Output raw JSON instead of human-readable text.

\t-no-write
\t    Write nothing. Otherwise one small object is written to the replica, as
\t    litetap/doctor-<random> below its path, and deleted again.

\t-config PATH
\t-no-expand-env
\t    For checking all configured databases.
\t    Configuration files are not supported yet.

The exit code is 1 when a check fails; warnings leave it at 0.

Examples:

\t$ litetap doctor /path/to/db s3://mybkt/db
\t$ litetap doctor -no-write -json /path/to/db s3://mybkt/db

`

const EXAMPLE = 'litetap doctor /path/to/db s3://bucket/prefix'
const MARKS = { ok: 'ok', warning: 'WARNING', failure: 'FAILURE' } as const

export const doctor = defineCommand({
  name: 'doctor',
  usage: USAGE,
  flags: { config: stringFlag(), 'no-expand-env': boolFlag(), json: boolFlag(), 'no-write': boolFlag() },
  async run(io, flags, args) {
    const [path, url] = args
    if (flags.config !== '' || path === undefined) throw configUnsupported('name the database and its replica', EXAMPLE)
    if (url === undefined) throw usageError(`must specify the replica URL of ${path}`, EXAMPLE)
    if (args.length > 2) throw usageError('too many arguments', EXAMPLE)
    const { diagnose } = await import('../daemon/doctor/index.ts')
    const client = await openPlain(url, io)
    const findings: Finding[] = []
    try {
      const setup = { dbPath: expandPath(path, io), client }
      for await (const finding of diagnose(setup, { write: !flags['no-write'], now: io.now })) {
        findings.push(finding)
        if (!flags.json) printFinding(io, finding)
      }
    } finally {
      await client.close()
    }
    if (flags.json) printJSON(io.stdout, findings)
    else print(io.stdout, summary(findings))
    return findings.some(({ status }) => status === 'failure') ? 1 : 0
  },
})

function printFinding(io: CliIO, { check, status, message, hint }: Finding): void {
  print(io.stdout, `${MARKS[status].padEnd(9)}${check.padEnd(19)}${message}`)
  if (hint !== undefined) print(io.stdout, `${' '.repeat(28)}${hint}`)
}

function summary(findings: readonly Finding[]): string {
  const count = (status: Finding['status']) => findings.filter((finding) => finding.status === status).length
  return `\n${count('ok')} ok, ${count('warning')} warnings, ${count('failure')} failures`
}
