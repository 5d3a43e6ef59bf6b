import { execFile } from 'node:child_process'
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeTrackedFiles, type TrackedFiles } from '../support/tracked-files.ts'
import { ltxBinary } from './ltx-cli.ts'

const FIXTURES = resolve(import.meta.dirname, '../fixtures')
const MAIN = resolve(import.meta.dirname, '../../cli/main.ts')

let ltx: string
let dir: string
let tracked: TrackedFiles

beforeAll(async () => {
  ltx = await ltxBinary()
  dir = mkdtempSync(join(tmpdir(), 'litetap-ltx-tool-'))
  tracked = makeTrackedFiles(dir)
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

interface Outcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

function outcome(file: string, args: readonly string[]): Promise<Outcome> {
  return new Promise((done) => {
    execFile(file, args, { maxBuffer: 256 << 20 }, (error, stdout, stderr) => {
      done({ code: error === null ? 0 : Number(error.code), stdout, stderr })
    })
  })
}

const theirs = (...args: readonly string[]) => outcome(ltx, args)
const ours = (...args: readonly string[]) => outcome(process.execPath, [MAIN, 'ltx-tool', ...args])

/** Files of the real Litestream, with block and with legacy frames, and tracked ones. */
function allFiles(): string[] {
  const fixtures = readdirSync(FIXTURES, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ltx'))
    .map((name) => join(FIXTURES, name))
  expect(fixtures.length).toBeGreaterThan(10)
  return [...fixtures.sort(), ...tracked.files]
}

test('list: the same table, and the same values', async () => {
  for (const flags of [['-tsv'], []]) {
    const expected = await theirs('list', ...flags, ...allFiles())
    expect(expected.code).toBe(0)
    expect(await ours('list', ...flags, ...allFiles())).toEqual(expected)
  }
})

test('dump: the same text', async () => {
  for (const path of allFiles()) {
    const expected = await theirs('dump', path)
    expect(expected.code).toBe(0)
    expect(await ours('dump', path)).toEqual(expected)
  }
})

test('checksum: the same, of every page size', async () => {
  for (const pageSize of [512, 4096, 65536]) {
    const folder = mkdtempSync(join(dir, 'sizes-'))
    for (const path of makeTrackedFiles(folder, pageSize).databases) {
      const expected = await theirs('checksum', path)
      expect(expected).toMatchObject({ code: 0, stdout: expect.stringMatching(/^[0-9a-f]{16}\n$/) })
      expect(await ours('checksum', path)).toEqual(expected)
    }
  }
})

test('apply: the same bytes, one by one and together', async () => {
  const [mine, other, all] = ['ours.db', 'theirs.db', 'all.db'].map((name) => join(dir, name)) as [
    string,
    string,
    string,
  ]
  for (const [i, path] of tracked.files.entries()) {
    expect(await ours('apply', '-db', mine, path)).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(readFileSync(mine)).toEqual(readFileSync(tracked.databases[i]!))
    // Theirs does not cut a database that shrinks, and then finds that its checksum is wrong.
    if (i === 2) continue
    expect(await theirs('apply', '-db', other, path)).toMatchObject({ code: 0 })
    expect(readFileSync(mine)).toEqual(readFileSync(other))
  }
  expect((await ours('apply', '-db', all, ...tracked.files)).code).toBe(0)
  expect(readFileSync(all)).toEqual(readFileSync(mine))
})

test('encode-db: theirs lists it with the checksum of the database, and applies it', async () => {
  const [mine, out] = [join(dir, 'ours.ltx'), join(dir, 'encoded.db')]
  const database = tracked.databases[1]!
  // Their own encode-db of 0.5.2 cannot be the oracle: it writes a header that its encoder refuses.
  expect(await theirs('encode-db', '-o', join(dir, 'theirs.ltx'), database)).toMatchObject({
    code: 1,
    stdout: 'encode ltx header: invalid version\n',
  })
  expect((await ours('encode-db', '-o', mine, database)).code).toBe(0)
  const [, row] = (await theirs('list', '-tsv', mine)).stdout.split('\n')
  expect(row!.split('\t')[5]).toBe((await theirs('checksum', database)).stdout.trim())
  expect((await theirs('apply', '-db', out, mine)).code).toBe(0)
  expect(readFileSync(out)).toEqual(readFileSync(database))
})

describe('verify', () => {
  test('agrees on good files', async () => {
    const expected = await theirs('verify', ...allFiles())
    expect(expected).toEqual({ code: 0, stdout: 'ok\n', stderr: '' })
    expect(await ours('verify', ...allFiles())).toEqual(expected)
  })

  test('agrees on files with one byte changed, cut short, and with other content', async () => {
    const good = tracked.files[0]!
    const bytes = readFileSync(good)
    const damaged: string[] = []
    const add = (content: Uint8Array) => {
      const path = join(dir, `damaged-${damaged.length}.ltx`)
      writeFileSync(path, content)
      damaged.push(path)
    }
    // The header, a page, the index, the trailer.
    for (const at of [0, 9, 21, 115, bytes.length - 40, bytes.length - 16, bytes.length - 3]) {
      add(bytes.map((byte, i) => (i === at ? byte ^ 0x10 : byte)))
    }
    for (const length of [0, 50, 100, 200, bytes.length - 17, bytes.length - 1]) add(bytes.subarray(0, length))
    const database = join(dir, 'no.ltx')
    copyFileSync(tracked.databases[0]!, database)
    for (const path of [...damaged, database]) {
      for (const tool of [theirs, ours]) {
        const { code, stdout } = await tool('verify', good, path)
        expect(code, path).toBe(1)
        expect(stdout, path).toMatch(/\n1 ok, 1 invalid\n$/)
        expect(stdout.startsWith(`${path}: `), path).toBe(true)
      }
    }
  })
})
