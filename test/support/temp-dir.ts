import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, onTestFinished } from 'vitest'

/** An empty folder for one test; it is gone afterwards. Call it inside the test. */
export function tempDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'litetap-test-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

/** An empty folder for all tests of a file or `describe`; it is gone afterwards. Call it outside of tests. */
export function suiteDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'litetap-test-'))
  afterAll(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}
