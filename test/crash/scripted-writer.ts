// A writer's life in one process, the same every time: the crash suite runs it and kills it before operation number
// LITETAP_KILL_BEFORE. What it acknowledges goes to a file, line by line, before anything else happens.
import fs from 'node:fs'
import { watchOperations } from './operations.ts'

const [path, replicaDir, acknowledged] = process.argv.slice(2) as [string, string, string]
const killBefore = Number(process.env.LITETAP_KILL_BEFORE)
const append = fs.writeSync.bind(fs)
const acknowledgedFd = fs.openSync(acknowledged, 'a')
let operations = 0

await watchOperations((count, name) => {
  operations = count
  if (count !== killBefore) return
  append(acknowledgedFd, `killed before ${name}\n`)
  process.kill(process.pid, 'SIGKILL')
})

const { DatabaseSync } = await import('node:sqlite')
const { openReplica } = await import('../../storage/node.ts')
const { compactLevel, enforceL0Retention, Primary } = await import('../../writer/index.ts')
const { Uploader } = await import('../../writer/uploader.ts')
const { Maintenance } = await import('../../writer/maintenance.ts')
const { REPLICATOR_DEFAULTS } = await import('../../writer/settings.ts')
const { silentLog } = await import('../../writer/log.ts')

const app = new DatabaseSync(path)
app.exec('PRAGMA busy_timeout = 5000')
const client = await openReplica(`file://${replicaDir}`)
const primary = new Primary(path, { settings: { minCheckpointPages: 12, busyTimeoutMs: 200 } })
await primary.open(client)
const uploader = new Uploader(client, primary, { l0RetentionMs: 300_000 })
const maintenance = new Maintenance({
  client,
  primary,
  durableTXID: () => uploader.durable,
  settings: { ...REPLICATOR_DEFAULTS, snapshotRetentionMs: 0 },
  log: silentLog,
})

async function commitAndReplicate(): Promise<void> {
  app.exec(
    `INSERT INTO ledger (pad) VALUES (randomblob(3000));
     UPDATE account SET balance = balance - 1 WHERE id = 1; UPDATE account SET balance = balance + 1 WHERE id = 2`,
  )
  const { seq } = app.prepare('SELECT max(seq) AS seq FROM ledger').get() as { seq: number }
  await primary.sync()
  await uploader.upload()
  append(acknowledgedFd, `durable ${seq}\n`)
}

for (let i = 0; i < 4; i++) await commitAndReplicate()
await compactLevel(client, 1)
await maintenance.snapshot()
await commitAndReplicate()
await primary.checkpoint('TRUNCATE')
await commitAndReplicate()
await compactLevel(client, 1)
await compactLevel(client, 2)
const { deleteLocal } = await enforceL0Retention(client, { now: Date.now() + 1000, retentionMs: 1 })
await primary.local.delete(deleteLocal.map((file) => file.maxTXID))
await commitAndReplicate()
await maintenance.snapshot()
await maintenance.enforceRetention()
await commitAndReplicate()
await primary.close()
append(acknowledgedFd, `operations ${operations}\n`)
