import { cpSync, readFileSync, utimesSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

const FIXTURE = resolve(import.meta.dirname, '../fixtures/litestream-v0.3.13')

/** One file of the backup. */
export interface V3FixtureFile {
  /** Below the replica's folder. */
  readonly name: string
  /** When it was stored; ms since the Unix epoch. */
  readonly modified: number
  /** Of what v0.3.13 itself restores for the second after; null where it finds nothing. */
  readonly sha256: string | null
}

export interface V3Fixture {
  readonly dir: string
  readonly url: string
  /** In the order they were stored. */
  readonly files: readonly V3FixtureFile[]
  /** Of what v0.3.13 restores at the end. */
  readonly sha256: string
}

/** A copy of the backup that the real Litestream v0.3.13 made, with the times its files had. */
export function v3Fixture(dir: string): V3Fixture {
  cpSync(join(FIXTURE, 'backup'), dir, { recursive: true })
  const expected = JSON.parse(readFileSync(join(FIXTURE, 'restored.json'), 'utf8'))
  const files = expected.files.map((file: { name: string; modified: string; sha256: string | null }) => ({
    ...file,
    modified: Date.parse(file.modified),
  })) as V3FixtureFile[]
  for (const { name, modified } of files) utimesSync(join(dir, name), modified / 1000, modified / 1000)
  return { dir, url: pathToFileURL(dir).href, files, sha256: expected.sha256 }
}
