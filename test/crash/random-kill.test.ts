import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { openReplica, type ReplicaClient } from '../../storage/node.ts'
import { newBucket, sharedCeph } from '../servers/shared-ceph.ts'
import { seededRandom } from '../support/random.ts'
import { truth } from '../writer/workbench.ts'
import { checkReplica } from './check-replica.ts'

/** Kills per store; `npm run test:crash` does hundreds. */
const KILLS = Number(process.env.LITETAP_CRASH_KILLS ?? 12)
const SEED = Number(process.env.LITETAP_CRASH_SEED ?? 20261123)

describe('a writer killed at random moments under load', () => {
  it(`file: ${KILLS} kills, seed ${SEED}`, () => killing((dir) => `file://${join(dir, 'replica')}`), 3_600_000)

  it(`s3: ${KILLS} kills, seed ${SEED}`, async () => {
    const { endpoint, region, accessKeyId, secretAccessKey } = sharedCeph()
    process.env.AWS_ACCESS_KEY_ID = accessKeyId
    process.env.AWS_SECRET_ACCESS_KEY = secretAccessKey
    const bucket = await newBucket()
    const query = `endpoint=${encodeURIComponent(endpoint)}&region=${region}&forcePathStyle=true`
    await killing(() => `s3://${bucket}/app?${query}`)
  }, 3_600_000)
})

async function killing(replicaURL: (dir: string) => string): Promise<void> {
  const random = seededRandom(SEED)
  const dir = mkdtempSync(join(tmpdir(), 'litetap-crash-'))
  const path = join(dir, 'app.db')
  const url = replicaURL(dir)
  const db = new DatabaseSync(path)
  db.exec(
    `PRAGMA journal_mode = wal; CREATE TABLE ledger (seq INTEGER PRIMARY KEY, pad BLOB);
     CREATE TABLE account (id INTEGER PRIMARY KEY, balance INTEGER); INSERT INTO account VALUES (1, 500), (2, 500)`,
  )
  db.close()
  const client = await openReplica(url)
  let app: ChildProcess | undefined
  try {
    app = child('busy-app.ts', path, String(SEED))
    for (let kill = 0; kill < KILLS; kill++) {
      const writer = child('busy-writer.ts', path, url, ...(kill % 2 === 0 ? ['parks'] : []))
      const lines = collectLines(writer)
      await lines.started
      await delay(random() * 400)
      writer.kill('SIGKILL')
      await lines.ended
      await checkAcknowledged(client, dir, { txid: lines.newest(), context: `seed ${SEED}, kill ${kill}` })
    }
    app.kill('SIGKILL')
    await new Promise((resolve) => app!.once('exit', resolve))
    const writer = child('busy-writer.ts', path, url)
    const lines = collectLines(writer)
    await lines.started
    writer.kill('SIGTERM')
    await lines.ended
    expect(writer.exitCode, 'clean end').toBe(0)
    const restored = await checkReplica(client, dir, { seq: 0, context: `seed ${SEED}, at the end` })
    expect(restored!.equals(truth(path)), 'the replica is the primary').toBe(true)
  } finally {
    app?.kill('SIGKILL')
    await client.close()
    rmSync(dir, { recursive: true, force: true })
  }
}

async function checkAcknowledged(
  client: ReplicaClient,
  dir: string,
  expected: { txid: bigint; context: string },
): Promise<void> {
  let newest = 0n
  for await (const file of client.list(0)) newest = file.maxTXID
  expect(
    newest >= expected.txid,
    `TXID ${expected.txid} was acknowledged, ${newest} is there; ${expected.context}`,
  ).toBe(true)
  await checkReplica(client, dir, { seq: 0, context: expected.context })
}

function child(script: string, ...args: string[]): ChildProcess {
  const flags = ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, script)]
  return spawn(process.execPath, [...flags, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
}

/** Follows what a writer prints. */
function collectLines(writer: ChildProcess) {
  let text = ''
  let onStarted = () => {}
  const started = new Promise<void>((resolve, reject) => {
    onStarted = resolve
    writer.once('exit', () => reject(new Error('The writer ended before it had started')))
  })
  writer.stdout!.on('data', (chunk) => {
    text += chunk
    if (text.includes('started')) onStarted()
  })
  return {
    started,
    ended: new Promise<void>((resolve) => writer.once('close', () => resolve())),
    newest: () => BigInt(text.match(/\d+/g)?.at(-1) ?? 0),
  }
}
