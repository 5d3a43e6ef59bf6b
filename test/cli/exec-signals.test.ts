import { existsSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { countRows, newScene } from './scene.ts'
import { cli, spawnCli, until } from './support.ts'

type Way = 'arguments' | 'configuration'
const WAYS: readonly Way[] = ['arguments', 'configuration']

/** The same replication, named in one of two ways. */
function named(way: Way, { dir, db, url }: { dir: string; db: string; url: string }): string[] {
  if (way === 'arguments') return [db, url]
  const config = join(dir, 'litestream.yml')
  writeFileSync(config, `dbs:\n  - path: ${db}\n    replica: { url: '${url}' }\n`)
  return ['-config', config]
}

/** A store that takes requests and answers none. */
async function silentStore(): Promise<{ url: string; asked: () => boolean }> {
  let asked = false
  const server = createServer(() => {
    asked = true
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { url: `s3://bucket/x?endpoint=${endpoint}&region=us-east-1&forcePathStyle=true`, asked: () => asked }
}

const CREDENTIALS = { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'secret' }

describe.each(WAYS)('replicate -exec, by %s', (way) => {
  test('what the command commits after the signal is in the replica', async () => {
    const scene = newScene(1)
    const app = `${process.execPath} --no-warnings ${join(import.meta.dirname, 'draining-app.ts')} ${scene.db}`
    const { child, text, outcome } = spawnCli(['replicate', '-exec', app, ...named(way, scene)])
    await until('the command', () => text.stdout.includes('ready\n'))
    child.kill('SIGTERM')
    expect(await outcome).toMatchObject({ code: 0, stderr: '' })
    expect(countRows(scene.db)).toBe(6)
    const out = join(scene.dir, 'out.db')
    expect(await cli(['restore', '-o', out, scene.url])).toMatchObject({ code: 0 })
    expect(countRows(out)).toBe(6)
  })

  test('a signal during a restore ends it, and the command is never begun', async () => {
    const scene = newScene(1)
    const store = await silentStore()
    const marker = join(scene.dir, 'marker')
    const args = named(way, { dir: scene.dir, db: join(scene.dir, 'missing.db'), url: store.url })
    const { child, outcome } = spawnCli(
      ['replicate', '-restore-if-db-not-exists', '-exec', `touch ${marker}`, ...args],
      { env: CREDENTIALS },
    )
    await until('a request', store.asked)
    child.kill('SIGTERM')
    expect(await outcome).toMatchObject({ code: 143, stderr: 'Error: interrupted by SIGTERM\n' })
    expect(existsSync(marker)).toBe(false)
  })

  test('the second signal does not wait for a command that ignores them: it is left behind, exit code 143', async () => {
    const scene = newScene(1)
    const script = `trap '' TERM; echo pid $$; while :; do sleep 0.05; done`
    const { child, text } = spawnCli(['replicate', '-exec', `sh -c "${script}"`, ...named(way, scene)])
    const pid = () => Number(/^pid (\d+)$/m.exec(text.stdout)?.[1])
    await until('the command', () => pid() > 0)
    onTestFinished(() => void process.kill(pid(), 'SIGKILL'))
    const ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })))
    child.kill('SIGTERM')
    await until('the wait for the command', () => text.stdout.includes('waiting for exec process to close'))
    child.kill('SIGTERM')
    expect(await ended).toEqual({ code: 143, signal: null })
    expect(process.kill(pid(), 0)).toBe(true)
  })
})

test('a signal while the store does not answer yet ends the opening, and the command is never begun', async () => {
  const scene = newScene(1)
  const store = await silentStore()
  const marker = join(scene.dir, 'marker')
  const { child, outcome } = spawnCli(['replicate', '-lease', '-exec', `touch ${marker}`, scene.db, store.url], {
    env: CREDENTIALS,
  })
  await until('a request', store.asked)
  child.kill('SIGTERM')
  expect(await outcome).toMatchObject({ code: 143, stderr: 'Error: interrupted by SIGTERM\n' })
  expect(existsSync(marker)).toBe(false)
})
