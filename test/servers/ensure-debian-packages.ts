import { execFile } from 'node:child_process'
import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Programs a test server needs, and the Debian packages they come in. */
export interface NeededPrograms {
  readonly programs: readonly string[]
  readonly packages: readonly string[]
}

/**
 * Make sure that programs are installed: by apt-get where we are root, else by asking for it.
 * @throws Error that says exactly what to install
 */
export async function ensureDebianPackages({ programs, packages }: NeededPrograms): Promise<void> {
  const missing = await findMissing(programs)
  if (missing.length === 0) return
  const install = `apt-get install -y --no-install-recommends ${packages.join(' ')}`
  const ask = (why: string, cause?: unknown): Error =>
    new Error(`These tests need ${missing.join(', ')}: ${why}; as root run: apt-get update && ${install}`, { cause })
  if (process.getuid?.() !== 0) throw ask('not installed')
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  try {
    await run('apt-get', ['update'], { env })
    await run('apt-get', ['install', '-y', '--no-install-recommends', ...packages], { env, maxBuffer: 64 << 20 })
  } catch (cause) {
    throw ask('installing failed', cause)
  }
  const still = await findMissing(programs)
  if (still.length > 0) throw ask(`installing did not bring ${still.join(', ')}`)
}

async function findMissing(programs: readonly string[]): Promise<string[]> {
  const found = await Promise.all(programs.map(isInstalled))
  return programs.filter((_, index) => !found[index])
}

async function isInstalled(program: string): Promise<boolean> {
  for (const dir of (process.env.PATH ?? '').split(delimiter)) {
    const executable = await access(join(dir, program), constants.X_OK).then(
      () => true,
      () => false,
    )
    if (executable) return true
  }
  return false
}
