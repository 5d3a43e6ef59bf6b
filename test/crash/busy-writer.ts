// The replicator under test, in a process of its own, with short intervals so that everything it can do happens all
// the time. Prints what is durable, one TXID a line.
import { writeSync } from 'node:fs'
import { openReplica } from '../../storage/node.ts'
import { IdleWatch, Replicator, Scheduler } from '../../writer/index.ts'

const [path, url, parks] = process.argv.slice(2) as [string, string, string?]
// Parked at every look that finds nothing, and woken by the next commit.
const host = parks ? { scheduler: new Scheduler(), idle: new IdleWatch(), quietMs: 0, ours: true } : undefined
const replicator = new Replicator({
  dbPath: path,
  client: await openReplica(url),
  settings: {
    minCheckpointPages: 50,
    minSyncIntervalMs: 1,
    levels: [
      { level: 1, intervalMs: 50 },
      { level: 2, intervalMs: 200 },
    ],
    snapshotIntervalMs: 300,
    snapshotRetentionMs: 600,
    l0RetentionMs: 100,
    l0RetentionCheckIntervalMs: 50,
  },
  ...(host && { host }),
  onDurable: (info) => writeSync(1, `${info.maxTXID}\n`),
})
replicator.wait().catch((error) => {
  console.error(error)
  process.exit(1)
})
process.on('SIGTERM', () => replicator.close().then(() => process.exit(0)))
await replicator.start()
writeSync(1, 'started\n')
