import { describe, expect, test } from 'vitest'
import { cli, tempDir } from './support.ts'

// The first line on stderr for arguments that make no sense; nothing is opened, nothing is written.
// Litestream 0.5.16 says the same, but where noted.
const CASES: [line: string[], message: string, hint?: string][] = [
  [['ltx'], 'database path or replica URL required', 'litetap ltx s3://bucket/prefix'],
  [['ltx', ''], 'database path or replica URL required', 'litetap ltx s3://bucket/prefix'],
  [['ltx', 'a', 'b'], 'too many arguments'],
  [['ltx', '-config', 'x', 'file:///a'], 'cannot specify a replica URL and the -config flag'],
  [['ltx', '-level', '10', 'file:///a'], 'invalid value "10" for flag -level: level must be between 0 and 9'],
  [['ltx', '-level', '-1', 'file:///a'], 'invalid value "-1" for flag -level: level must be between 0 and 9'],
  [['ltx', '-level', 'x', 'file:///a'], 'invalid value "x" for flag -level: invalid level: must be 0-9 or "all"'],
  [['ltx', '-level', '', 'file:///a'], 'invalid value "" for flag -level: invalid level: must be 0-9 or "all"'],

  [['catalog'], 'replica URL required', 'litetap catalog s3://bucket/prefix'],
  [['catalog', 'file:///a', 'b'], 'too many arguments'],
  [['catalog', '-layout', 'x', 'file:///a'], 'invalid value "x" for flag -layout: must be "ltx" or "s3"'],

  [['restore'], 'database path or replica URL required', 'litetap restore -o /path/to/db s3://bucket/prefix'],
  [['restore', 'a', 'b'], 'too many arguments'],
  [
    ['restore', 'file:///a'],
    '-o is required when restoring from a replica URL',
    'litetap restore -o /path/to/db file:///a',
  ],
  [['restore', '-o', 'x', '-config', 'c', 'file:///a'], 'cannot specify a replica URL and the -config flag'],
  [
    ['restore', '-o', 'x', '-integrity-check', 'maybe', 'file:///a'],
    'invalid -integrity-check value: maybe',
    '-integrity-check quick, or full, or none',
  ],
  [
    ['restore', '-o', 'x', '-timestamp', '2000-01-01', 'file:///a'],
    'invalid -timestamp 2000-01-01: it must be an RFC 3339 time', // names the value; says ISO 8601 there
    '-timestamp 2000-01-01T00:00:00Z',
  ],
  [
    ['restore', '-o', 'x', '-txid', 'ff', 'file:///a'],
    'invalid value "ff" for flag -txid: invalid txid format: exactly 16 hex digits are needed',
  ],
  [
    ['restore', '-o', 'x', '-txid', '0000000000000001', '-timestamp', '2000-01-01T00:00:00Z', 'file:///a'],
    'cannot use -txid and -timestamp together',
  ],
  [['restore', '-o', 'x', '-f', '-txid', '0000000000000001', 'file:///a'], 'cannot use follow mode with -txid'],
  [
    ['restore', '-o', 'x', '-f', '-timestamp', '2000-01-01T00:00:00Z', 'file:///a'],
    'cannot use follow mode with -timestamp',
  ],
  [['restore', '-o', 'x', '-f', '-dry-run', 'file:///a'], 'cannot use -dry-run with -f'],
  [['restore', '-follow-interval', '5', 'file:///a'], 'invalid value "5" for flag -follow-interval: parse error'],
  [['restore', '-o', 'x', '-follow-interval', '0s', 'file:///a'], '-follow-interval must be greater than 0'],
  [['restore', '-parallelism', 'x', 'file:///a'], 'invalid value "x" for flag -parallelism: parse error'],
  [['restore', '-json=maybe', 'file:///a'], 'invalid boolean value "maybe" for -json: parse error'],
  [['restore', '-o'], 'flag needs an argument: -o'],

  [
    ['replicate', 'app.db'],
    'must specify at least one replica URL for app.db',
    'litetap replicate /path/to/db s3://bucket/prefix',
  ],
  [['replicate', 'app.db', '-once'], 'flag "-once" must be positioned before DB_PATH and REPLICA_URL arguments'],
  [
    ['replicate', 'app.db', 'file:///a', '-once'],
    'flag "-once" must be positioned before DB_PATH and REPLICA_URL arguments',
  ],
  [['replicate', 'app.db', 'file:///a', 'file:///b'], 'multiple replicas on a single database are not supported'],
  [['replicate', '-once', '-exec', 'true', 'app.db', 'file:///a'], 'cannot specify -once flag with -exec'],
  [['replicate', '-force-snapshot', 'app.db', 'file:///a'], 'cannot specify -force-snapshot flag without -once'],
  [['replicate', '-enforce-retention', 'app.db', 'file:///a'], 'cannot specify -enforce-retention flag without -once'],
  [['replicate', '-config', 'x', 'app.db', 'file:///a'], 'cannot specify a replica URL and the -config flag'],
  [
    ['replicate', '-exec', `sh -c 'x`, 'app.db', 'file:///a'],
    "cannot parse exec command: a ' is never closed",
    `litetap replicate -exec "sh -c '...'" DB_PATH REPLICA_URL`,
  ],
  [
    ['replicate', '-exec', 'app > log', 'app.db', 'file:///a'], // runs `app`, without a word, there
    'cannot parse exec command: > needs a shell',
    `litetap replicate -exec "sh -c '...'" DB_PATH REPLICA_URL`,
  ],
  [
    ['replicate', '-exec', '  ', 'app.db', 'file:///a'],
    'cannot parse exec command: it is empty',
    `litetap replicate -exec "sh -c '...'" DB_PATH REPLICA_URL`,
  ],

  [['serve'], 'replica URL required', 'litetap serve app=s3://bucket/prefix'],
  [['serve', 'file:///a', '-addr'], 'flag "-addr" must be positioned before the replica URLs'],
  [['serve', 'a=file:///x', 'file:///y/a'], 'two databases have the name "a"', 'litetap serve a=URL b=URL'],
  [
    ['serve', 'a/b=file:///x?k=v'],
    'cannot serve file:///x?k=v as "a/b": it needs a name of letters, digits, ._-',
    'litetap serve app=s3://bucket/prefix',
  ],
  [
    ['serve', '=file:///x'],
    'cannot serve file:///x as "": it needs a name of letters, digits, ._-',
    'litetap serve app=s3://bucket/prefix',
  ],
  [['serve', '-interval', '0', 'file:///a'], '-interval must be greater than 0'],
  [['serve', '-concurrency', '0', 'file:///a'], '-concurrency must be at least 1'],
  [['serve', '-rate', '-1', 'file:///a'], '-rate must not be negative'],
  [
    ['serve', '-addr', '8080', 'file:///a'],
    'Cannot listen on "8080": it is not HOST:PORT',
    '127.0.0.1:8321, or [::1]:8321, or 127.0.0.1:0 for any port that is free',
  ],

  [['reset'], 'database path required', 'litetap reset /path/to/db'],
  [['reset', 'a', 'b'], 'too many arguments'],
  [['status', 'a', 'b'], 'too many arguments'],
]

describe('arguments that make no sense: one line, exit 1', () => {
  test.each(CASES)('%j', async (args, message, hint) => {
    const { code, stderr } = await cli(args, { cwd: tempDir() })
    expect(stderr).toBe(`Error: ${message}\n${hint === undefined ? '' : `Try: ${hint}\n`}`)
    expect(code).toBe(1)
  })
})

describe('what needs a configuration file says so', () => {
  test.each([
    [['databases']],
    [['replicate']],
    [['replicate', '-no-expand-env']],
    [['restore', '/data/app.db']],
    [['restore', '-config', 'c.yml', '-o', '/tmp/x', 'app.db']],
    [['ltx', 'app.db']],
    [['query', 'app.db', 'select 1']],
    [['catalog', 'app.db']],
    [['status']],
    [['status', '-config', 'c.yml', 'app.db']],
    [['reset', '-config', 'c.yml', 'app.db']],
  ])('%j, when it is not there', async (args) => {
    const { code, stdout, stderr } = await cli(args, { cwd: '/data', env: { LITESTREAM_CONFIG: '/data/c.yml' } })
    const hint = 'name the configuration file with -config, or with LITESTREAM_CONFIG'
    expect(stderr).toBe(`Error: /data/c.yml: there is no such configuration file\nTry: ${hint}\n`)
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  })
})
