// The daemon over one folder: node bench/daemon/litetap.ts DIR REPLICA_URL. SIGUSR2 prints what was seen since the last one.
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { Daemon, type ReplicationSettings } from '../../daemon/index.ts'
import { openReplica, withCounting } from '../../storage/node.ts'
import type { ReplicaSettings } from '../../storage/replica-settings.ts'
import { REPLICATOR_DEFAULTS } from '../../writer/settings.ts'

const [, , dir, url] = process.argv as [string, string, string, string]

const counted: { readonly total: number }[] = []
const requests = () => counted.reduce((sum, { total }) => sum + total, 0)

const settings: ReplicationSettings = REPLICATOR_DEFAULTS
const base = new URL(url)
const isFile = base.protocol === 'file:'
const replica = (
  isFile ? { type: 'file', path: base.pathname } : { type: 's3', bucket: base.host, path: base.pathname.slice(1) }
) as ReplicaSettings
const log = (message: string, fields?: object) => process.stderr.write(`${message} ${JSON.stringify(fields ?? {})}\n`)

const daemon = new Daemon(
  {
    databases: [{ kind: 'directory', dir, pattern: '*.db', recursive: false, watch: false, replica, settings }],
    socket: { enabled: false, path: '', permissions: 0o600 },
    levels: settings.levels,
    validationIntervalMs: 0,
    logging: { level: 'info', type: 'text', stderr: false, source: false },
    defaults: settings,
  },
  {
    ours: true,
    log: { debug: () => {}, info: () => {}, warn: log, error: log },
    async openReplica(each) {
      const { path } = each as { path: string }
      const { client, counts } = withCounting(
        await openReplica(isFile ? `file://${path}` : `s3://${base.host}/${path}${base.search}`),
      )
      counted.push(counts)
      return client
    },
  },
)

/** A sample is the time between two ticks: what is above the resolution is delay. */
const RESOLUTION_MS = 10
const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
const delayMs = (nanoseconds: number) => Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS)
delay.enable()
let before = 0
process.on('SIGUSR2', () => {
  const synced = daemon.list().filter((each) => each.lastSyncAt !== undefined && !each.trouble).length
  const total = requests()
  const line = { synced, p99Ms: delayMs(delay.percentile(99)), maxMs: delayMs(delay.max), requests: total - before }
  before = total
  delay.reset()
  process.stdout.write(`${JSON.stringify(line)}\n`)
})
process.once('SIGTERM', async () => {
  await daemon.close().catch((error: Error) => log(error.message))
  process.exit(0)
})
await daemon.open()
process.stdout.write('"open"\n')
