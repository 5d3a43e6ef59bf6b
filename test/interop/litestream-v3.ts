import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ensureNpmPackages } from '../servers/ensure-npm-packages.ts'

const run = promisify(execFile)

const FOLDER = join(import.meta.dirname, 'v3-package')

/** Path of the real Litestream v0.3.13, for Linux on x64, as the package of Fly.io has it; installed if need be. */
async function litestreamV3(): Promise<string> {
  await ensureNpmPackages(FOLDER)
  return join(FOLDER, 'node_modules/@flydotio/litestream-linux-x64/litestream')
}

export interface V3Job {
  readonly db: string
  /** `file:///path`, or `s3://bucket/path`. */
  readonly url: string
  /** For s3. */
  readonly endpoint?: string
  readonly env?: Readonly<Record<string, string>>
  /** Where the configuration file goes. */
  readonly dir: string
}

/** Replicate with v0.3.13 until `stop`: it looks every 20 ms, and checkpoints as soon as it may. */
export async function replicateV3(job: V3Job): Promise<{ stop(): Promise<void> }> {
  const config = writeConfig(job)
  const child = spawn(await litestreamV3(), ['replicate', '-config', config], { env: environment(job), stdio: 'pipe' })
  let output = ''
  const keep = (chunk: Buffer) => {
    output += chunk.toString()
  }
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  const exited = once(child, 'exit')
  const kill = () => child.kill('SIGKILL')
  process.once('exit', kill)
  return {
    async stop() {
      process.removeListener('exit', kill)
      child.kill('SIGTERM')
      const [code] = await exited
      if (code !== 0) throw new Error(`litestream v0.3.13 ended with ${code}:\n${output}`)
    },
  }
}

/** Restore with v0.3.13. @param timestamp RFC 3339 */
export async function restoreWithV3(job: V3Job, out: string, timestamp?: string): Promise<void> {
  const time = timestamp === undefined ? [] : ['-timestamp', timestamp]
  const args = ['restore', '-config', writeConfig(job), '-o', out, ...time, job.db]
  await run(await litestreamV3(), args, { env: environment(job) }).catch(
    (error: { stdout: string; stderr: string }) => {
      throw new Error(`litestream v0.3.13 restores nothing: ${error.stdout}${error.stderr}`, { cause: error })
    },
  )
}

function writeConfig(job: V3Job): string {
  const config = join(job.dir, 'v3.yml')
  const endpoint =
    job.endpoint === undefined ? '' : `\n        endpoint: ${job.endpoint}\n        force-path-style: true`
  writeFileSync(
    config,
    `dbs:
  - path: ${job.db}
    monitor-interval: 20ms
    min-checkpoint-page-count: 6
    replicas:
      - url: ${job.url}
        sync-interval: 20ms${endpoint}
`,
  )
  return config
}

function environment(job: V3Job): NodeJS.ProcessEnv {
  const { AWS_CA_BUNDLE: _dropped, ...rest } = process.env
  return { ...rest, ...job.env }
}
