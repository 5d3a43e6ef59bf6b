import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { countRows, insert, newScene, syncedScene, syncOnce } from './scene.ts'
import { cli, tempDir } from './support.ts'

const TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/

describe('ltx', () => {
  test('table: one level, all levels, an empty one, an absent replica', async () => {
    const { url } = await syncedScene()
    const one = await cli(['ltx', url])
    expect({ code: one.code, stderr: one.stderr }).toEqual({ code: 0, stderr: '' })
    const [header, line] = one.stdout.split('\n')
    expect(header).toMatch(/^level {2}min_txid {10}max_txid {10}size +created$/)
    expect(line).toMatch(/^0 {6}0{15}1 {2}0{15}1 {2}\d+ +\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
    const all = await cli(['ltx', '-level', 'all', url])
    expect(all.stdout.split('\n').map((text) => text[0])).toEqual(['l', '0', '9', undefined])
    expect((await cli(['wal', '-level', '9', url])).stdout.split('\n').map((text) => text[0])).toEqual([
      'l',
      '9',
      undefined,
    ])
    const header3 = 'level  min_txid  max_txid  size  created\n'
    expect(await cli(['ltx', '-level', '3', url])).toEqual({ code: 0, stdout: header3, stderr: '' })
    expect(await cli(['ltx', `${url}-absent`])).toEqual({ code: 0, stdout: header3, stderr: '' })
  })

  test('-json', async () => {
    const { url } = await syncedScene()
    const { stdout } = await cli(['ltx', '-level', 'all', '-json', url])
    const [first] = JSON.parse(stdout)
    expect(first).toEqual({
      level: 0,
      min_txid: '0000000000000001',
      max_txid: '0000000000000001',
      size: expect.any(Number),
      timestamp: expect.stringMatching(TIME),
    })
    expect(Object.keys(first)).toEqual(['level', 'min_txid', 'max_txid', 'size', 'timestamp'])
    expect(stdout).toMatch(/^\[\n {2}\{\n {4}"level": 0,\n/)
    expect((await cli(['ltx', '-level', '3', '-json', url])).stdout).toBe('[]\n')
  })
})

describe('restore', () => {
  test('is silent without a terminal, and the database is there', async () => {
    const { url, dir } = await syncedScene(5)
    expect(await cli(['restore', '-o', 'out.db', url], { cwd: dir })).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(countRows(join(dir, 'out.db'))).toBe(5)
  })

  test('on a terminal there is a bar, gone at the end, and a last line', async () => {
    const { url, dir } = await syncedScene(5)
    const { stdout, stderr } = await cli(['restore', '-o', 'out.db', url], { cwd: dir, columns: 60 })
    expect(stdout).toBe('')
    expect(stderr).toMatch(/Restored out\.db to TXID 0{15}1 \(\S+ kB in \d+s\)\n$/)
    expect(stderr.split('\n').length).toBe(2)
  })

  test('-json: the summary on stdout, log lines on stderr', async () => {
    const { url, dir } = await syncedScene()
    const { code, stdout, stderr } = await cli(['restore', '-json', '-integrity-check', 'full', '-o', 'out.db', url], {
      cwd: dir,
    })
    expect(code).toBe(0)
    const summary = JSON.parse(stdout)
    expect(summary).toEqual({
      db_path: 'out.db',
      replica: 'file',
      txid: '0000000000000001',
      duration_ms: expect.any(Number),
      integrity_check: 'full',
    })
    expect(Object.keys(summary)).toEqual(['db_path', 'replica', 'txid', 'duration_ms', 'integrity_check'])
    expect(stderr).toMatch(/^time=\S+ level=INFO msg="post-restore integrity check passed" replica=file\n$/)
  })

  test('-dry-run writes the plan and nothing else', async () => {
    const { url, dir } = await syncedScene()
    const { stdout } = await cli(['restore', '-dry-run', '-o', 'out.db', url], { cwd: dir })
    expect(stdout.replace(TIME, 'TIME').replace(/ \d\d\d /, ' SIZE ')).toBe(
      `Restore plan:
  source: ${url}
  target: out.db
  replica: file
  txid range: 0000000000000001 - 0000000000000001

Files to fetch:
level  file                                   min_txid          max_txid          size  timestamp
9      0000000000000001-0000000000000001.ltx  0000000000000001  0000000000000001  SIZE   TIME
`,
    )
    const json = JSON.parse((await cli(['restore', '-dry-run', '-json', '-o', 'out.db', url], { cwd: dir })).stdout)
    expect(Object.keys(json)).toEqual(['source', 'target_path', 'replica', 'min_txid', 'max_txid', 'files'])
    expect(json.files).toEqual([
      {
        level: 9,
        name: '0000000000000001-0000000000000001.ltx',
        min_txid: '0000000000000001',
        max_txid: '0000000000000001',
        size: expect.any(Number),
        timestamp: expect.stringMatching(TIME),
      },
    ])
    expect(existsSync(join(dir, 'out.db'))).toBe(false)
  })

  test('an output that is there needs -force; -if-db-not-exists is content with it', async () => {
    const { url, dir } = await syncedScene()
    const out = join(dir, 'out.db')
    writeFileSync(out, 'precious')
    const refused = await cli(['restore', '-o', out, url])
    expect(refused.code).toBe(1)
    expect(refused.stderr).toMatch(/^Error: .*out\.db.*\nTry: .*-force.*\n$/)
    const skipped = await cli(['restore', '-if-db-not-exists', '-o', out, url])
    expect(skipped.code).toBe(0)
    expect(skipped.stdout).toMatch(/msg="database already exists, skipping"\n$/)
    expect(readFileSync(out, 'utf8')).toBe('precious')
    expect((await cli(['restore', '-force', '-o', out, url])).code).toBe(0)
    expect(countRows(out)).toBe(3)
  })

  test('an earlier state by TXID and by time', async () => {
    const scene = await syncedScene(1)
    await new Promise((resolve) => setTimeout(resolve, 20))
    const between = new Date().toISOString()
    await new Promise((resolve) => setTimeout(resolve, 20))
    insert(scene.db, 1)
    await syncOnce(scene)
    const rows = async (...flags: string[]) => {
      const out = join(tempDir(), 'out.db')
      const { code, stderr } = await cli(['restore', ...flags, '-o', out, scene.url])
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      return countRows(out)
    }
    expect(await rows()).toBe(2)
    expect(await rows('-txid', '0000000000000001')).toBe(1)
    expect(await rows('-timestamp', between)).toBe(1)
  })

  test('-if-replica-exists: no backup is exit 0, and so is a TXID that is not there; a time is not (facts 6.4)', async () => {
    const { url, dir } = await syncedScene()
    const restore = (...args: string[]) => cli(['restore', '-if-replica-exists', '-o', 'out.db', ...args], { cwd: dir })
    expect(await restore(`${url}-absent`)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('msg="no matching backups found"'),
    })
    expect((await restore('-txid', '00000000000000ff', url)).code).toBe(0)
    expect((await restore('-timestamp', '2000-01-01T00:00:00Z', url)).code).toBe(1)
  })
})

describe('status', () => {
  test('table and JSON in every state', async () => {
    const { db, dir } = await syncedScene()
    const table = await cli(['status', 'app.db'], { cwd: dir })
    expect(table.stdout).toMatch(/^database +status {2}local txid {8}wal size\n/)
    expect(table.stdout).toMatch(/\/app\.db {2}ok {6}0{15}1 {2}\d.*B\n$/)
    const state = async (path: string) => JSON.parse((await cli(['status', '-json', path], { cwd: dir })).stdout)
    expect(await state(db)).toEqual([
      {
        database: db,
        status: 'ok',
        local_txid: '0000000000000001',
        wal_size: expect.stringMatching(/^\d+(\.\d)? k?B$/),
      },
    ])
    const fresh = newScene()
    expect(await state(fresh.db)).toEqual([
      { database: fresh.db, status: 'not initialized', local_txid: '-', wal_size: '0 B' },
    ])
    expect(await state('absent.db')).toEqual([
      { database: join(dir, 'absent.db'), status: 'no database', local_txid: '-', wal_size: '-' },
    ])
  })
})

describe('reset', () => {
  test('a dry run, the reset, and nothing to reset', async () => {
    const { db, dir } = await syncedScene()
    const ltx = join(dir, '.app.db-litestream/ltx')
    const file = join(ltx, '0/0000000000000001-0000000000000001.ltx')
    expect(await cli(['reset', '-dry-run', 'app.db'], { cwd: dir })).toEqual({
      code: 0,
      stdout: `Dry run: local Litestream state would be reset for: ${db}
Would remove: ${ltx}
Files that would be removed:
  ${file}
No files were removed.
`,
      stderr: '',
    })
    expect(existsSync(file)).toBe(true)
    expect(await cli(['reset', 'app.db'], { cwd: dir })).toEqual({
      code: 0,
      stdout: `Resetting local Litestream state for: ${db}
Removing: ${ltx}
Reset complete. Next replication sync will create a fresh snapshot.
`,
      stderr: '',
    })
    expect(existsSync(file)).toBe(false)
    expect((await cli(['reset', '-dry-run', 'app.db'], { cwd: dir })).stdout).toContain(
      'No local LTX files would be removed.\n',
    )
    const fresh = newScene()
    expect(await cli(['reset', fresh.db])).toEqual({
      code: 0,
      stdout: `No local state to reset for ${fresh.db}
Meta directory does not exist: ${join(fresh.dir, '.app.db-litestream')}
`,
      stderr: '',
    })
  })
})
