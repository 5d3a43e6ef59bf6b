import { expect, test } from 'vitest'
import { databasePaths, loadWithoutWarning, longestShutdownMs } from './load-deploy-config.ts'
import { deployYaml } from './support.ts'

interface Container {
  readonly name: string
  readonly image: string
  readonly args?: readonly string[]
  readonly restartPolicy?: string
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[]
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[]
  readonly securityContext?: Readonly<Record<string, unknown>>
  readonly startupProbe?: Probe
  readonly livenessProbe?: Probe
}
interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string }
}
interface Manifest {
  readonly kind: string
  readonly apiVersion: string
  readonly metadata: { readonly name: string }
  readonly data?: Readonly<Record<string, string>>
  readonly spec?: Readonly<Record<string, unknown>>
}
interface PodSpec {
  readonly terminationGracePeriodSeconds: number
  readonly securityContext: Readonly<Record<string, unknown>>
  readonly initContainers: readonly Container[]
  readonly containers: readonly Container[]
  readonly volumes: readonly { readonly name: string; readonly configMap?: { readonly name: string } }[]
}

const manifests = deployYaml<Manifest>('kubernetes/statefulset.yaml')
const of = (kind: string) => manifests.find((manifest) => manifest.kind === kind)!
const set = of('StatefulSet').spec as {
  readonly serviceName: string
  readonly replicas: number
  readonly selector: { readonly matchLabels: Readonly<Record<string, string>> }
  readonly template: {
    readonly metadata: { readonly labels: Readonly<Record<string, string>> }
    readonly spec: PodSpec
  }
  readonly volumeClaimTemplates: readonly { readonly metadata: { readonly name: string } }[]
}
const pod = set.template.spec
const [restore, sidecar] = pod.initContainers as [Container, Container]
const app = pod.containers[0]!
const config = () => loadWithoutWarning(of('ConfigMap').data!['litestream.yml']!)

test('the objects name each other', () => {
  expect(manifests.map(({ kind, apiVersion }) => [kind, apiVersion])).toEqual([
    ['ConfigMap', 'v1'],
    ['Service', 'v1'],
    ['StatefulSet', 'apps/v1'],
  ])
  expect(set.serviceName).toBe(of('Service').metadata.name)
  expect(set.template.metadata.labels).toEqual(set.selector.matchLabels)
  expect(of('Service').spec).toMatchObject({ selector: set.selector.matchLabels })
  expect(set.replicas).toBe(1)
  expect(pod.volumes.find(({ configMap }) => configMap)!.configMap!.name).toBe(of('ConfigMap').metadata.name)
})

test('every mount is of a volume that is there', () => {
  const volumes = [...pod.volumes.map(({ name }) => name), ...set.volumeClaimTemplates.map((one) => one.metadata.name)]
  for (const { volumeMounts } of [restore, sidecar, app]) {
    for (const { name } of volumeMounts) expect(volumes).toContain(name)
  }
  const dataOf = ({ volumeMounts }: Container) => volumeMounts.find(({ name }) => name === 'data')
  expect(dataOf(restore)).toEqual(dataOf(sidecar))
  expect(dataOf(sidecar)).toEqual(dataOf(app))
})

test('what is restored is what is replicated, by the same configuration', () => {
  expect(restore.args).toEqual([
    'restore',
    '-config',
    '/etc/litetap/litestream.yml',
    '-if-db-not-exists',
    '-if-replica-exists',
    ...databasePaths(config()),
  ])
  expect(sidecar.args).toEqual(['replicate', '-config', '/etc/litetap/litestream.yml'])
  expect(restore.image).toBe(sidecar.image)
})

test('litetap is a sidecar: there before the application, and until after its end', () => {
  expect(pod.initContainers.map(({ name }) => name)).toEqual(['restore', 'litetap'])
  expect([restore.restartPolicy, sidecar.restartPolicy]).toEqual([undefined, 'Always'])
  expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(longestShutdownMs(config()) / 1000 + 30)
})

test('probes ask for /health where metrics are served', () => {
  const port = Number(config().addr!.split(':').at(-1))
  expect(sidecar.ports).toEqual([{ name: 'metrics', containerPort: port }])
  for (const probe of [sidecar.startupProbe, sidecar.livenessProbe]) {
    expect(probe!.httpGet).toEqual({ path: '/health', port: 'metrics' })
  }
})

test('nothing is root, the volume is the group’s, and only what must be is writable', () => {
  expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 65532, fsGroup: 65532 })
  for (const { securityContext } of [restore, sidecar]) {
    expect(securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    })
  }
  expect(sidecar.volumeMounts.some(({ mountPath }) => config().socket.path.startsWith(`${mountPath}/`))).toBe(true)
})
