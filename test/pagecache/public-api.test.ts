import { globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import * as disk from '../../pagecache/disk/index.ts'
import * as pagecache from '../../pagecache/index.ts'

const FOLDER = fileURLToPath(new URL('../../pagecache', import.meta.url))

/** What the files import: folders' own files as paths in pagecache/, others as they are. */
function importsOf(file: string): string[] {
  const source = readFileSync(join(FOLDER, file), 'utf8')
  return [...source.matchAll(/(?:from|import\()\s*'([^']+)'/g)].map(([, name]) =>
    name!.startsWith('.') ? normalize(join(dirname(file), name!)) : name!,
  )
}

describe('pagecache/', () => {
  test('has this surface', () => {
    expect(Object.keys(pagecache).sort()).toEqual(['DEFAULT_CACHE_BYTES', 'InFlight', 'PageCache'])
    expect(Object.keys(disk).sort()).toEqual(['DEFAULT_DISK_BYTES', 'DiskCache', 'DiskCacheProblem'])
  })

  test('imports nothing of other folders, and node:* only in disk/', () => {
    const files = globSync('**/*.ts', { cwd: FOLDER })
    expect(files.length).toBeGreaterThan(10)
    for (const file of files) {
      for (const name of importsOf(file)) {
        const allowed = file.startsWith('disk')
          ? name.startsWith('node:') || !name.startsWith('..')
          : name === 'lru-cache' || (name.endsWith('.ts') && !/^(\.\.|disk)/.test(name))
        expect({ file, name, allowed }).toEqual({ file, name, allowed: true })
      }
    }
  })
})
