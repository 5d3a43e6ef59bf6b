import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test } from 'vitest'
import { makeTrackedFiles } from '../support/tracked-files.ts'
import { cli, tempDir } from './support.ts'

const tool = (cwd: string, ...args: readonly string[]) => cli(['ltx-tool', ...args], { cwd })

test('help, an unknown command, a bad flag', async () => {
  const help = await tool('/', 'help')
  expect(help).toMatchObject({ code: 0, stderr: '' })
  expect(help.stdout).toMatch(/\tencode-db .*\n\tlist /)
  expect(await tool('/')).toMatchObject({ code: 1, stdout: help.stdout })
  expect(await tool('/', 'verify', '-h')).toMatchObject({ code: 0, stdout: expect.stringContaining('PATH [PATH...]') })
  const unknown = 'Error: litetap ltx-tool frob: unknown command\nTry: litetap ltx-tool help\n'
  expect(await tool('/', 'frob')).toEqual({ code: 1, stdout: '', stderr: unknown })
  expect(await tool('/', 'list', '-csv')).toMatchObject({
    code: 1,
    stderr: 'Error: flag provided but not defined: -csv\n',
  })
  expect(await tool('/', 'version')).toMatchObject({ code: 0, stdout: expect.stringMatching(/^v\d+\.\d+/) })
})

test.each([
  [['verify'], 'at least one LTX file is required'],
  [['list'], 'at least one LTX file is required'],
  [['dump'], 'filename required'],
  [['dump', 'a', 'b'], 'too many arguments'],
  [['checksum'], 'filename required'],
  [['encode-db', 'app.db'], 'required: -o PATH'],
  [['apply', 'a.ltx'], 'required: -db PATH'],
])('%j says what is missing', async (args, message) => {
  const { code, stdout, stderr } = await tool('/', ...args)
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toMatch(new RegExp(`^Error: ${message}\nTry: litetap ltx-tool `))
})

test('verify: what is wrong with each file, and how many', async () => {
  const dir = tempDir()
  makeTrackedFiles(dir)
  const bytes = readFileSync(join(dir, '1.ltx'))
  writeFileSync(join(dir, 'short.ltx'), bytes.subarray(0, 300))
  expect(await tool(dir, 'verify', '1.ltx', '2.ltx')).toEqual({ code: 0, stdout: 'ok\n', stderr: '' })
  const { code, stdout, stderr } = await tool(dir, 'verify', '1.ltx', 'short.ltx', 'absent.ltx')
  expect({ code, stderr }).toEqual({ code: 1, stderr: '' })
  const lines = stdout.split('\n')
  expect(lines[0]).toMatch(/^short\.ltx: Cannot decode LTX file: it ends in its page block/)
  expect(lines[1]).toMatch(/^absent\.ltx: ENOENT/)
  expect(lines.slice(2)).toEqual(['1 ok, 2 invalid', ''])
})

test('list: a damaged file is no row, and exit code 1', async () => {
  const dir = tempDir()
  makeTrackedFiles(dir)
  writeFileSync(join(dir, 'bad.ltx'), 'LTX2')
  const { code, stdout, stderr } = await tool(dir, 'list', '-tsv', '2.ltx', 'bad.ltx')
  expect(code).toBe(1)
  const rows = stdout.split('\n').map((line) => line.split('\t'))
  expect(rows).toHaveLength(3)
  expect(rows[1]!.slice(0, 2)).toEqual(['0000000000000002', '0000000000000002'])
  expect(rows[1]!.slice(6)).toEqual(['2025-11-24T16:00:01Z', '32', '4152', '0abcdef1 00000007'])
  expect(stderr).toMatch(/^bad\.ltx: /)
})

describe('apply', () => {
  test('makes each state, cut where it shrinks', async () => {
    const dir = tempDir()
    const { databases } = makeTrackedFiles(dir)
    expect(await tool(dir, 'apply', '-db', 'out.db', '1.ltx', '2.ltx')).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(readFileSync(join(dir, 'out.db'))).toEqual(readFileSync(databases[1]!))
    expect((await tool(dir, 'apply', '-db', 'out.db', '3.ltx')).code).toBe(0)
    expect(readFileSync(join(dir, 'out.db'))).toEqual(readFileSync(databases[2]!))
    expect(readFileSync(databases[2]!).length).toBeLessThan(readFileSync(databases[1]!).length)
  })

  test.each([
    ['a hole', ['1.ltx', '3.ltx'], /^Error: 3\.ltx: its TXIDs 0+3-0+3 do not continue 0+1\n/],
    ['no snapshot for a new database', ['2.ltx'], /2\.ltx: it is no snapshot and .* is empty/],
    ['a damaged one among them', ['1.ltx', 'bad.ltx'], /bad\.ltx: .*file checksum/],
  ])('%s: refused, and nothing is written', async (_, files, message) => {
    const dir = tempDir()
    makeTrackedFiles(dir)
    const bytes = readFileSync(join(dir, '2.ltx'))
    bytes[bytes.length - 1]! ^= 1
    writeFileSync(join(dir, 'bad.ltx'), bytes)
    const { code, stderr } = await tool(dir, 'apply', '-db', 'out.db', ...files)
    expect(code).toBe(1)
    expect(stderr).toMatch(message)
    expect(existsSync(join(dir, 'out.db')) ? readFileSync(join(dir, 'out.db')).length : 0).toBe(0)
  })

  test('another database than the file was made for: refused, and it stays as it is', async () => {
    const dir = tempDir()
    const { databases } = makeTrackedFiles(dir)
    copyFileSync(databases[0]!, join(dir, 'out.db'))
    const { code, stderr } = await tool(dir, 'apply', '-db', 'out.db', '3.ltx')
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('pre-apply checksum mismatch: ') })
    const snapshot = await tool(dir, 'apply', '-db', 'out.db', '1.ltx')
    expect(snapshot.stderr).toContain('it is a snapshot and ')
    expect(readFileSync(join(dir, 'out.db'))).toEqual(readFileSync(databases[0]!))
  })
})

test('encode-db, then checksum and apply: the same database', async () => {
  const dir = tempDir()
  const { databases } = makeTrackedFiles(dir, 65536)
  for (const env of [{}, { LITETAP_LEGACY_FRAMES: '1' }]) {
    expect(await cli(['ltx-tool', 'encode-db', '-o', 'a.ltx', databases[1]!], { cwd: dir, env })).toMatchObject({
      code: 0,
    })
    const out = `out-${Object.keys(env).length}.db`
    expect((await tool(dir, 'apply', '-db', out, 'a.ltx')).code).toBe(0)
    expect(readFileSync(join(dir, out))).toEqual(readFileSync(databases[1]!))
    const [, row] = (await tool(dir, 'list', '-tsv', 'a.ltx')).stdout.split('\n')
    expect(`${row!.split('\t')[5]}\n`).toBe((await tool(dir, 'checksum', out)).stdout)
  }
})

test('what is only in the WAL is refused, not left out', async () => {
  const dir = tempDir()
  const db = new DatabaseSync(join(dir, 'app.db'))
  try {
    db.exec('pragma journal_mode = wal; create table t (a)')
    for (const args of [
      ['checksum', 'app.db'],
      ['encode-db', '-o', 'a.ltx', 'app.db'],
    ]) {
      const { code, stderr } = await tool(dir, ...args)
      expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining('wal_checkpoint(TRUNCATE)') })
    }
    expect(existsSync(join(dir, 'a.ltx'))).toBe(false)
  } finally {
    db.close()
  }
})
