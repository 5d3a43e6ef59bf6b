// `litetap replicate` with settings that its command line has no flags for: node litetap-daemon.ts DB URL SETTINGS [once]
import { openReplica } from '../../storage/node.ts'
import { compactionLevels, Replicator, type ReplicatorSettings } from '../../writer/index.ts'
import type { Settings } from './replicator.ts'

const [, , dbPath, url, json, ...flags] = process.argv as [string, string, string, string, string, ...string[]]

for (const name of ['ACCESS_KEY_ID', 'SECRET_ACCESS_KEY']) {
  process.env[`AWS_${name}`] ??= process.env[`LITESTREAM_${name}`] ?? ''
}
const log = (level: string) => (message: string, fields?: object) => {
  process.stderr.write(`${new Date().toISOString()} ${level} ${message} ${JSON.stringify(fields ?? {})}\n`)
}
const client = await openReplica(url, { env: process.env })
const replicator = new Replicator({
  dbPath,
  client,
  settings: settingsFrom(JSON.parse(json)),
  form: process.env.LITETAP_LEGACY_FRAMES === '1' ? 'legacy' : 'block',
  log: { debug: () => {}, info: log('INFO'), warn: log('WARN'), error: log('ERROR') },
})
const signalled = new Promise((resolve) => process.once('SIGINT', resolve))
if (flags.includes('-once')) {
  await replicator.syncOnce({
    forceSnapshot: flags.includes('-force-snapshot'),
    enforceRetention: flags.includes('-enforce-retention'),
  })
} else {
  await replicator.start()
  await Promise.race([signalled, replicator.wait()])
  await replicator.close()
}
await client.close()
process.exit(0)

function settingsFrom(settings: Settings): Partial<ReplicatorSettings> {
  const durations = {
    monitorIntervalMs: settings.monitorInterval,
    syncIntervalMs: settings.syncInterval,
    snapshotIntervalMs: settings.snapshotInterval,
    snapshotRetentionMs: settings.snapshotRetention,
    l0RetentionMs: settings.l0Retention,
    l0RetentionCheckIntervalMs: settings.l0RetentionCheckInterval,
  }
  const given = Object.entries(durations).filter(([, value]) => value !== undefined)
  const levels = settings.levels && { levels: compactionLevels(settings.levels.map(milliseconds)) }
  return { ...Object.fromEntries(given.map(([key, value]) => [key, milliseconds(value!)])), ...levels }
}

function milliseconds(duration: string): number {
  const [, value, unit] = /^([\d.]+)(ms|s|m|h)$/.exec(duration)!
  return Number(value) * { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[unit as 'ms' | 's' | 'm' | 'h']
}
