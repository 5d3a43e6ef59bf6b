import { expect, test } from 'vitest'
import { parseReplicaURL } from '../../storage/url.ts'
import { databasePaths, loadDeployConfig, longestShutdownMs } from './load-deploy-config.ts'
import { deployYaml, seconds } from './support.ts'

interface Service {
  readonly image: string
  readonly command?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly volumes?: readonly string[]
  readonly ports?: readonly string[]
  readonly depends_on?: readonly string[] | Readonly<Record<string, { readonly condition: string }>>
  readonly stop_grace_period?: string
}

const [compose] = deployYaml<{
  readonly services: Readonly<Record<string, Service>>
  readonly volumes: Readonly<Record<string, unknown>>
}>('compose/compose.yaml')
const { services, volumes } = compose!
const config = () => loadDeployConfig('compose/litestream.yml')

test('services wait for services, and volumes are declared', () => {
  for (const [name, { depends_on = [], volumes: mounts = [] }] of Object.entries(services)) {
    const names = Array.isArray(depends_on) ? depends_on : Object.keys(depends_on)
    for (const other of names) expect(Object.keys(services), name).toContain(other)
    for (const mount of mounts) if (!mount.startsWith('./')) expect(volumes).toHaveProperty(mount.split(':')[0]!)
  }
})

test('every image has a version', () => {
  for (const { image } of Object.values(services)) expect(image).toMatch(/^[\w./-]+:[\w.-]*\d[\w.-]*$/)
})

test('it is restored before the application begins, from where it is replicated to', () => {
  const [path] = databasePaths(config())
  expect(services.restore!.command).toEqual(['restore', '-if-db-not-exists', '-if-replica-exists', path])
  expect(services.app!.depends_on).toEqual({ restore: { condition: 'service_completed_successfully' } })
  expect(services.restore!.depends_on).toMatchObject({ bucket: { condition: 'service_completed_successfully' } })
  expect(services.app!.command!.at(-1)).toContain(`'${path}'`)
  for (const name of ['restore', 'replicate', 'serve']) {
    expect(services[name]!.volumes).toContain('./litestream.yml:/etc/litestream.yml:ro')
  }
})

test('bucket, endpoint and keys are those of MinIO', () => {
  const { environment } = services.minio!
  for (const name of ['restore', 'replicate', 'serve']) {
    expect(services[name]!.environment).toEqual({
      AWS_ACCESS_KEY_ID: environment!.MINIO_ROOT_USER,
      AWS_SECRET_ACCESS_KEY: environment!.MINIO_ROOT_PASSWORD,
    })
  }
  const [entry] = config().databases
  expect(entry!.replica).toMatchObject({ type: 's3', bucket: 'backups', path: 'app', endpoint: 'http://minio:9000' })
  expect(services.bucket!.command!.join()).toContain('mc mb --ignore-existing store/backups')
  const [, url] = /^app=(.*)$/.exec(services.serve!.command!.at(-1)!)!
  expect(parseReplicaURL(url!)).toMatchObject({ bucket: 'backups', path: 'app', endpoint: 'http://minio:9000' })
})

test('the last upload has the time that it may take, and nothing is open to others', () => {
  expect(seconds(services.replicate!.stop_grace_period!)).toBeGreaterThan(longestShutdownMs(config()) / 1000)
  for (const { ports = [] } of Object.values(services)) {
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/)
  }
})
