import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { errnoCode, removeTempFiles, writeAll, writeFileDurably } from '../../writer/durable-file.ts'
import { tempDir } from '../support/temp-dir.ts'

describe('writeFileDurably', () => {
  test('replaces a file and returns what was made of it', async () => {
    const path = join(tempDir(), 'file')
    writeFileSync(path, 'old')
    const result = await writeFileDurably(path, { mode: 0o640 }, async (file) => {
      await writeAll(file, new TextEncoder().encode('new and longer'))
      await writeAll(file, new TextEncoder().encode('NEW'), 0)
      expect(readFileSync(path, 'utf8')).toBe('old')
      return 7
    })
    expect(result).toBe(7)
    expect(readFileSync(path, 'utf8')).toBe('NEW and longer')
    expect(statSync(path).mode & 0o777).toBe(0o640)
    expect(readdirSync(join(path, '..'))).toEqual(['file'])
  })

  test('a failure leaves the old file and nothing else', async () => {
    const path = join(tempDir(), 'file')
    writeFileSync(path, 'old')
    const failing = writeFileDurably(path, {}, () => {
      throw new Error('no')
    })
    await expect(failing).rejects.toThrow('no')
    expect(readFileSync(path, 'utf8')).toBe('old')
    expect(readdirSync(join(path, '..'))).toEqual(['file'])
  })

  test('says which file and why', async () => {
    const path = join(tempDir(), 'missing', 'file')
    await expect(writeFileDurably(path, {}, () => {})).rejects.toMatchObject({
      code: 'WRITER_IO',
      message: expect.stringContaining(`Cannot write ${path}: ENOENT`),
      at: { path },
    })
    expect(errnoCode(new Error('other'))).toBeUndefined()
  })
})

test('removeTempFiles looks at every depth and only at its own', async () => {
  const dir = tempDir()
  mkdirSync(join(dir, 'a', 'b'), { recursive: true })
  for (const name of ['x.tmp', 'a/y.tmp', 'a/b/z.ltx.tmp', 'a/b/z.ltx', 'tmp']) writeFileSync(join(dir, name), '')
  expect(await removeTempFiles(dir)).toBe(3)
  expect(readdirSync(dir, { recursive: true }).sort()).toEqual(['a', 'a/b', 'a/b/z.ltx', 'tmp'])
  expect(await removeTempFiles(join(dir, 'nowhere'))).toBe(0)
})
