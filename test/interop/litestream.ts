import { accessSync, constants, mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { run } from './process.ts'

/** The releases the suite is run against: the last that writes legacy page frames, and the first with block frames. */
export const LITESTREAM_VERSIONS = ['0.5.16', '0.5.15'] as const
export type LitestreamVersion = (typeof LITESTREAM_VERSIONS)[number]

const CACHE = resolve(import.meta.dirname, '../../node_modules/.cache/litestream')
const MODULE = 'github.com/benbjohnson/litestream/cmd/litestream'

/**
 * Path of a Litestream binary: `LITETAP_LITESTREAM_0_5_16` (or `_0_5_15`), else the cache below `node_modules`,
 * else built there with the Go toolchain.
 * @throws when there is neither a binary nor a Go toolchain that can build one
 */
export async function litestreamBinary(version: LitestreamVersion): Promise<string> {
  const variable = `LITETAP_LITESTREAM_${version.replaceAll('.', '_')}`
  const named = process.env[variable]
  if (named !== undefined) {
    if (!isExecutable(named)) throw new Error(`${variable} names ${named}, which is not an executable file`)
    return named
  }
  const folder = join(CACHE, version)
  const cached = join(folder, 'litestream')
  if (isExecutable(cached)) return cached
  mkdirSync(folder, { recursive: true })
  try {
    await run(['go', 'install', `${MODULE}@v${version}`], { GOBIN: folder })
  } catch (cause) {
    const advice = `Install Go 1.25 or newer, or point ${variable} at a Litestream ${version} binary`
    throw new Error(`Cannot build Litestream ${version}. ${advice}`, { cause })
  }
  return cached
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
