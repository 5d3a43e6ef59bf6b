import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

/**
 * Install what a folder's own package.json pins, unless it is all there: large programs that only some suites need.
 * @param folder absolute
 * @throws Error with the command that would install them
 */
export async function ensureNpmPackages(folder: string): Promise<void> {
  if (await areInstalled(folder)) return
  try {
    const args = ['ci', '--no-audit', '--no-fund']
    await promisify(execFile)('npm', args, { cwd: folder, maxBuffer: 64 << 20 })
  } catch (cause) {
    throw new Error(`Cannot install what the tests need: run \`npm ci\` in ${folder}`, { cause })
  }
}

/** Whether each package is there in the version that is pinned. */
async function areInstalled(folder: string): Promise<boolean> {
  const { dependencies } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>
  }
  const checks = Object.entries(dependencies).map(async ([name, wanted]) => {
    const manifest = join(folder, 'node_modules', name, 'package.json')
    if (!existsSync(dirname(manifest))) return false
    const { version } = JSON.parse(await readFile(manifest, 'utf8')) as { version: string }
    return wanted.endsWith(version)
  })
  return (await Promise.all(checks)).every(Boolean)
}
