import { DockerfileParser } from 'dockerfile-ast'
import { parse } from 'smol-toml'
import { expect, test } from 'vitest'
import { databasePaths, loadDeployConfig, longestShutdownMs } from './load-deploy-config.ts'
import { deployText, seconds } from './support.ts'

interface FlyConfig {
  readonly kill_signal: string
  readonly kill_timeout: number
  readonly build: { readonly dockerfile: string }
  readonly env: Readonly<Record<string, string>>
  readonly mounts: readonly { readonly destination: string }[]
  readonly http_service: Readonly<Record<string, unknown>>
  readonly checks: { readonly litetap: { readonly port: number; readonly path: string } }
  readonly metrics: readonly { readonly port: number; readonly path: string }[]
}

const fly = parse(deployText('fly/fly.toml')) as unknown as FlyConfig
const config = () => loadDeployConfig('fly/litestream.yml')
const dockerfile = DockerfileParser.parse(deployText(`fly/${fly.build.dockerfile}`))

test('one machine, which has the time that the last upload may take', () => {
  expect(fly.http_service).toMatchObject({ auto_stop_machines: 'off', min_machines_running: 1 })
  expect(fly.kill_signal).toBe('SIGTERM')
  expect(fly.kill_timeout).toBeGreaterThan(longestShutdownMs(config()) / 1000 + seconds('15s'))
})

test('the database is on the volume, restored when the volume is new', () => {
  expect(databasePaths(config())).toEqual([fly.env.DATABASE_PATH])
  expect(fly.env.DATABASE_PATH!.startsWith(`${fly.mounts[0]!.destination}/`)).toBe(true)
  expect(config().databases).toMatchObject([{ restoreIfMissing: true, replica: { type: 's3', bucket: 'a-bucket' } }])
})

test('health and metrics are asked for where they are served', () => {
  const port = Number(config().addr!.split(':').at(-1))
  expect(fly.checks.litetap).toMatchObject({ port, path: '/health' })
  expect(fly.metrics).toEqual([{ port, path: '/metrics' }])
})

test('litetap starts the application, with the configuration that is in the image', () => {
  const contentOf = (keyword: string) =>
    dockerfile
      .getInstructions()
      .filter((one) => one.getKeyword() === keyword)
      .map((one) => one.getRawArgumentsContent()!)
  const command = JSON.parse(contentOf('CMD')[0]!) as string[]
  expect(command).toEqual(['replicate', '-exec', 'node /app/server.js', '-config', '/etc/litestream.yml'])
  expect(contentOf('COPY')).toContain('litestream.yml /etc/litestream.yml')
})
