import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { openReplica } from '../../storage/node.ts'
import { Primary } from '../../writer/index.ts'
import { Uploader } from '../../writer/uploader.ts'
import { truth } from '../writer/workbench.ts'
import { checkReplica } from './check-replica.ts'

/** Every so many operations one run is killed; `npm run test:crash` kills before every one. */
const STRIDE = Number(process.env.LITETAP_CRASH_STRIDE ?? 9)
const AT_ONCE = 2
const script = join(import.meta.dirname, 'scripted-writer.ts')

describe('a writer killed before any single operation on files or SQLite', () => {
  it('loses nothing that was acknowledged, leaves nothing unreadable, and goes on', async () => {
    const whole = await life(0)
    const operations = Number(/operations (\d+)/.exec(whole.log)![1])
    expect(operations, 'the script does something').toBeGreaterThan(200)
    const kills: number[] = []
    for (let kill = 1; kill <= operations; kill += STRIDE) kills.push(kill)
    let killed = 0
    const next = kills.values()
    const work = async () => {
      for (const kill of next) {
        const { log } = await life(kill)
        if (/killed before/.test(log)) killed++
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, work))
    expect(killed, 'all but runs that took a shorter way were killed').toBeGreaterThan(kills.length * 0.9)
    console.log(`killed before ${killed} of ${operations} operations`)
  }, 3_600_000)
})

/** One run killed before operation `kill` (0: not at all), checked, then gone on with and checked again. */
async function life(kill: number): Promise<{ log: string }> {
  const dir = mkdtempSync(join(tmpdir(), 'litetap-crash-'))
  const path = join(dir, 'app.db')
  const replicaDir = join(dir, 'replica')
  const acknowledged = join(dir, 'acknowledged')
  try {
    const db = new DatabaseSync(path)
    db.exec(
      `PRAGMA journal_mode = wal; CREATE TABLE ledger (seq INTEGER PRIMARY KEY, pad BLOB);
       CREATE TABLE account (id INTEGER PRIMARY KEY, balance INTEGER); INSERT INTO account VALUES (1, 500), (2, 500)`,
    )
    db.close()
    await run([path, replicaDir, acknowledged], kill)
    const log = existsSync(acknowledged) ? readFileSync(acknowledged, 'utf8') : ''
    const seq = Math.max(0, ...[...log.matchAll(/durable (\d+)/g)].map((match) => Number(match[1])))
    const client = await openReplica(`file://${replicaDir}`)
    const context = `killed before operation ${kill}: ${/killed before (.*)/.exec(log)?.[1]}`
    await checkReplica(client, dir, { seq, context })

    const primary = new Primary(path)
    await primary.open(client)
    await primary.sync()
    await new Uploader(client, primary, { l0RetentionMs: 300_000 }).upload()
    await primary.close()
    const restored = await checkReplica(client, dir, { seq, context: `${context}, then started again` })
    expect(restored?.equals(truth(path)), context).toBe(true)
    return { log }
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

function run(args: string[], kill: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, LITETAP_KILL_BEFORE: String(kill) }
    execFile(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', script, ...args],
      { env },
      (error, _, stderr) => {
        if (error && error.signal !== 'SIGKILL') reject(new Error(`The writer failed by itself:\n${stderr}`))
        else resolve()
      },
    )
  })
}
