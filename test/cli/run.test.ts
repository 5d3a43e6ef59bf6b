import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { cli } from './support.ts'

const DAEMON = ['info', 'list', 'register', 'start', 'stop', 'sync', 'unregister']
const ON_FILES = [
  'catalog',
  'databases',
  'doctor',
  'ltx',
  'replicate',
  'reset',
  'restore',
  'serve',
  'status',
  'version',
]
const AVAILABLE = [...ON_FILES, ...DAEMON]

describe('dispatch', () => {
  test.each(['help', '-h', '-help', '--help'])('%s prints the usage, exit 0', async (word) => {
    const { code, stdout, stderr } = await cli([word])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatchInlineSnapshot(`
      "litetap replicates SQLite databases to object storage, in Litestream's format.

      Usage:

      	litetap <command> [arguments]

      The commands are:

      	catalog      write the catalog by which web servers are read
      	databases    list databases specified in config file
      	doctor       check a database, its replica and this machine
      	info         show daemon information
      	list         list all managed databases
      	ltx          list available LTX files for a database
      	ltx-tool     look into LTX files, check and apply them
      	query        run an SQL query on a replica, in place
      	register     register a database for replication
      	replicate    replicate a database to object storage
      	reset        reset local state for a database
      	restore      recover a database from a replica
      	serve        serve replicas over HTTP to readers without credentials
      	shell        run SQL queries on a replica as you type them
      	start        start replication for a database
      	status       display replication status for databases
      	stop         stop replication for a database
      	sync         force an immediate sync for a database
      	unregister   unregister a database from replication
      	version      print the version

      Use "litetap <command> -h" for the arguments of a command.
      "
    `)
  })

  test.each([[[]], [['-foo']], [['-version']]])('%j prints the usage, exit 1', async (args) => {
    const { code, stdout, stderr } = await cli(args)
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' })
    expect(stdout).toBe((await cli(['help'])).stdout)
  })

  test('an unknown command', async () => {
    expect(await cli(['bogus'])).toEqual({
      code: 1,
      stdout: '',
      stderr: 'Error: litetap bogus: unknown command\nTry: litetap help\n',
    })
    expect((await cli(['constructor'])).stderr).toContain('unknown command')
  })

  test.each(AVAILABLE)('%s -h prints its usage, exit 0; a bad flag too, exit 1', async (name) => {
    const help = await cli([name, '-h'])
    expect(help).toEqual({ code: 0, stdout: expect.stringContaining(`\tlitetap ${name}`), stderr: '' })
    expect(await cli(['help', name])).toEqual(help)
    expect(await cli([name, '--help', 'x'])).toEqual(help)
    expect(await cli([name, '-bogus'])).toEqual({
      code: 1,
      stdout: help.stdout,
      stderr: 'Error: flag provided but not defined: -bogus\n',
    })
    expect((await cli([name, '-h=1'])).code).toBe(1)
  })

  test('wal is ltx, with a warning', async () => {
    const { code, stderr } = await cli(['wal'])
    expect(code).toBe(1)
    expect(stderr.split('\n')[0]).toBe("Warning: 'wal' command is deprecated, please use 'ltx' instead")
    expect(stderr).toContain('Error: database path or replica URL required')
  })

  test.each(AVAILABLE)('every flag of %s is in its help', async (name) => {
    const module = (await import(`../../cli/${name}.ts`)) as Record<string, { flags: object; usage: string }>
    const { flags, usage } = module[name]!
    for (const flag of Object.keys(flags)) expect(usage).toMatch(new RegExp(`^\\t-${flag}( [A-Z]+)?$`, 'm'))
  })
})

describe('version', () => {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))

  test('is one line, that of package.json', async () => {
    expect(await cli(['version'])).toEqual({ code: 0, stdout: `v${version}\n`, stderr: '' })
  })

  test('-verbose adds the runtime', async () => {
    const { stdout } = await cli(['version', '-verbose'])
    expect(stdout.split('\n').map((line) => line.slice(0, 13))).toEqual([
      'Version:     ',
      'Node:        ',
      'SQLite:      ',
      'OS/Arch:     ',
      '',
    ])
    expect(stdout).toMatch(/^OS\/Arch: {5}\w+\/(amd64|arm64|\w+)$/m)
  })
})
