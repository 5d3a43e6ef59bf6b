import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureNpmPackages } from '../../servers/ensure-npm-packages.ts'
import { freePorts } from '../../servers/free-ports.ts'

/** Microsoft's emulator of Azure Blob Storage. */
export interface Azurite {
  readonly port: number
  /** With the account in its path. */
  readonly endpoint: string
  /** The emulator's well-known ones. */
  readonly accountName: string
  readonly accountKey: string
  /** Ends the process and removes its files. */
  stop(): Promise<void>
}

export const ACCOUNT = 'devstoreaccount1'
export const ACCOUNT_KEY = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=='

const MAIN = join(import.meta.dirname, 'node_modules/azurite/dist/src/blob/main.js')
const START_TIMEOUT_MS = 60_000

export async function startAzurite(): Promise<Azurite> {
  await ensureNpmPackages(import.meta.dirname)
  const dir = await mkdtemp(join(tmpdir(), 'azurite-'))
  const port = (await freePorts(1))[0]!
  const where = ['--location', dir, '--blobHost', '127.0.0.1', '--blobPort', String(port)]
  // Without the last one it refuses every API version that is newer than itself.
  const args = [MAIN, ...where, '--disableTelemetry', '--skipApiVersionCheck']
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  let said = ''
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL')
    await exited
    await rm(dir, { recursive: true, force: true })
  }
  try {
    await new Promise<void>((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`Azurite does not start: ${said}`)), START_TIMEOUT_MS)
      const hear = (chunk: Buffer): void => {
        said += chunk
        if (/successfully listen/i.test(said)) resolve(clearTimeout(late))
      }
      child.stdout.on('data', hear)
      child.stderr.on('data', hear)
      child.once('exit', (code) => reject(new Error(`Azurite ended with ${code}: ${said}`)))
    })
  } catch (error) {
    await stop()
    throw error
  }
  return { port, endpoint: `http://127.0.0.1:${port}/${ACCOUNT}`, accountName: ACCOUNT, accountKey: ACCOUNT_KEY, stop }
}
