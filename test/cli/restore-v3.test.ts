import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { v3Fixture } from '../support/v3-fixture.ts'
import { cli, tempDir } from './support.ts'

test('restore of a v0.3 backup says so, in the log and in the summary', async () => {
  const dir = tempDir()
  const { url, sha256 } = v3Fixture(join(dir, 'replica'))
  const { code, stdout, stderr } = await cli(['restore', '-json', '-o', 'out.db', url], { cwd: dir })
  expect(code).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({ db_path: 'out.db', replica: 'file', txid: '' })
  expect(stderr).toMatch(/msg="restored from a Litestream v0\.3 backup" generation=[0-9a-f]{16} index=0000000\d\n$/)
  expect(
    createHash('sha256')
      .update(readFileSync(join(dir, 'out.db')))
      .digest('hex'),
  ).toBe(sha256)
})

test('-dry-run lists the snapshot and the WALs', async () => {
  const dir = tempDir()
  const { url, files } = v3Fixture(join(dir, 'replica'))
  const { code, stdout } = await cli(['restore', '-dry-run', '-o', 'out.db', url], { cwd: dir })
  expect(code).toBe(0)
  expect(stdout).toMatch(/ {2}format: Litestream v0\.3, generation [0-9a-f]{16}\n/)
  expect(stdout).toMatch(
    /\nkind {6}index {5}offset {4}size +timestamp\nsnapshot {2}0000000\d {2}00000000 {2}\d+ +2024-/,
  )
  const plan = JSON.parse((await cli(['restore', '-dry-run', '-json', '-o', 'out.db', url], { cwd: dir })).stdout)
  expect(plan).toMatchObject({ format: 'v0.3', replica: 'file', target_path: 'out.db' })
  expect(plan.files[0].kind).toBe('snapshot')
  expect(plan.files.length).toBeLessThan(files.length)
})

test('ltx says what such a bucket is', async () => {
  const { url } = v3Fixture(join(tempDir(), 'replica'))
  const { code, stdout, stderr } = await cli(['ltx', url])
  expect({ code, stdout }).toEqual({ code: 0, stdout: 'level  min_txid  max_txid  size  created\n' })
  expect(stderr).toMatch(/^This is a backup of Litestream v0\.3, without LTX files; /)
})
