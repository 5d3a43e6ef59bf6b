import { accessSync, constants, mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { run } from './process.ts'

const VERSION = '0.5.2'
const FOLDER = resolve(import.meta.dirname, `../../node_modules/.cache/ltx/${VERSION}`)

/**
 * Path of superfly/ltx's own command line: `LTX_CLI`, else the cache below `node_modules`, else built there with Go.
 * @throws when there is neither a binary nor a Go toolchain that can build one
 */
export async function ltxBinary(): Promise<string> {
  if (process.env.LTX_CLI !== undefined) return process.env.LTX_CLI
  const binary = join(FOLDER, 'ltx')
  if (isExecutable(binary)) return binary
  mkdirSync(FOLDER, { recursive: true })
  try {
    await run(['go', 'install', `github.com/superfly/ltx/cmd/ltx@v${VERSION}`], { GOBIN: FOLDER })
  } catch (cause) {
    throw new Error(`Cannot build ltx ${VERSION}. Install Go 1.24 or newer, or point LTX_CLI at its binary`, { cause })
  }
  return binary
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
