import { existsSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { countRows, insert, newScene, type Scene, sql, syncedScene, syncOnce } from './scene.ts'
import { cli, spawnCli, tempDir, until } from './support.ts'

async function restoredRows({ url }: Scene): Promise<number> {
  const out = join(tempDir(), 'out.db')
  const { code, stderr } = await cli(['restore', '-o', out, url])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return countRows(out)
}

/** Start the real program and wait until it replicates. */
async function replicating(scene: Scene, ...flags: readonly string[]) {
  const program = spawnCli(['replicate', ...flags, scene.db, scene.url])
  await until('replication', () => existsSync(join(scene.replicaDir, 'ltx/0')) || program.child.exitCode !== null)
  return program
}

describe('replicate -once', () => {
  test('says what it does, as log lines on stdout', async () => {
    const stdout = await syncOnce(newScene())
    const lines = stdout.split('\n').filter((line) => line !== '')
    for (const line of lines) expect(line).toMatch(/^time=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z level=INFO msg=/)
    expect(lines[0]).toMatch(/ msg=litetap version=v\S+ level=INFO$/)
    expect(lines.at(-2)).toContain('msg="one-shot replication complete" txid=0000000000000001')
    expect(lines.at(-1)).toContain('msg="litetap shut down"')
  })

  test('-log-level beats LOG_LEVEL; an unknown one is a warning', async () => {
    const { db, url } = newScene()
    const run = (env: Record<string, string>, ...flags: string[]) =>
      cli(['replicate', '-once', ...flags, db, url], { env })
    expect((await run({ LOG_LEVEL: 'error' })).stdout).toBe('')
    expect((await run({ LOG_LEVEL: 'error' }, '-log-level', 'INFO')).stdout).toContain('level=INFO')
    expect((await run({}, '-log-level', 'bogus')).stdout).toContain('msg="unknown log level, using info" level=bogus')
  })

  test('-restore-if-db-not-exists: restores, leaves what is there, starts fresh without a backup', async () => {
    const scene = await syncedScene(4)
    const run = (db: string, url = scene.url) =>
      cli(['replicate', '-once', '-restore-if-db-not-exists', join(scene.dir, db), url])
    const restored = await run('other.db')
    expect(restored.code).toBe(0)
    expect(restored.stdout).toContain('msg="attempting restore before replication"')
    expect(restored.stdout).toContain('msg="restore completed"')
    expect(countRows(join(scene.dir, 'other.db'))).toBe(4)
    expect((await run('app.db', `${scene.url}2`)).stdout).toContain('msg="database exists, skipping restore"')
    const fresh = await run('none.db', `${scene.url}3`)
    expect(fresh.stdout).toContain('msg="no backup found, starting fresh"')
    expect(fresh.code).toBe(1)
    expect(fresh.stderr).toMatch(/^Error: .*none\.db/)
  })

  test('LITETAP_LEGACY_FRAMES=1 writes the older page frames (facts 1.3)', async () => {
    const { db, url, dir } = newScene()
    const { code } = await cli(['replicate', '-once', db, url], { env: { LITETAP_LEGACY_FRAMES: '1' } })
    expect(code).toBe(0)
    expect((await cli(['restore', '-o', join(dir, 'out.db'), url])).code).toBe(0)
    expect(countRows(join(dir, 'out.db'))).toBe(3)
  })
})

describe('replicate', () => {
  test.each(['SIGINT', 'SIGTERM'] as const)('%s: what was committed last is in the replica, exit 0', async (signal) => {
    const scene = newScene(1)
    const { child, outcome } = await replicating(scene)
    insert(scene.db, 20)
    child.kill(signal)
    expect(await outcome).toMatchObject({ code: 0, stderr: '' })
    expect(await restoredRows(scene)).toBe(21)
  })

  test('a final upload that cannot succeed: the second signal gives up, exit 1', async () => {
    const scene = newScene(1)
    const { child, text, outcome } = await replicating(scene)
    renameSync(scene.replicaDir, `${scene.replicaDir}-away`)
    writeFileSync(scene.replicaDir, 'no directory')
    insert(scene.db, 1)
    child.kill('SIGTERM')
    await until('a failed attempt', () => text.stdout.includes('not durable yet'))
    child.kill('SIGTERM')
    const { code, stderr } = await outcome
    expect(code).toBe(1)
    expect(stderr).toMatch(/^Error: Stopped before the last transactions were durable.*\nTry: .*\n$/)
  })

  test('another writer to the same replica: exit 1, one line that says so', async () => {
    const scene = newScene(1)
    const first = await replicating(scene)
    const other = newScene(2)
    const second = spawnCli(['replicate', other.db, scene.url])
    await until('the second to upload', () => second.text.stdout.includes('replicating'))
    const busy = setInterval(() => {
      insert(scene.db, 1)
      insert(other.db, 1)
    }, 50)
    const loser = await Promise.race([first.outcome, second.outcome])
    clearInterval(busy)
    expect(loser.code).toBe(1)
    expect(loser.stderr).toMatch(/^Error: Another writer .*\nTry: .*\n$/)
  })
})

describe('replicate -exec', () => {
  test('ends when the command ends, with what it did in the replica', async () => {
    const scene = newScene(1)
    const { code, stderr } = await spawnCli(['replicate', '-exec', 'sleep 0.5', scene.db, scene.url]).outcome
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(await restoredRows(scene)).toBe(1)
  })

  test('a command that fails is exit 1 (facts 8.6)', async () => {
    const scene = newScene(1)
    const { code, stdout, stderr } = await spawnCli([
      'replicate',
      '-exec',
      `sh -c 'echo out of the child; exit 3'`,
      scene.db,
      scene.url,
    ]).outcome
    expect({ code, stderr }).toEqual({ code: 1, stderr: 'Error: exit status 3\n' })
    expect(stdout).toContain('\nout of the child\n')
    expect(stdout).toContain('msg="subprocess exited, litetap shutting down"')
    expect(await restoredRows(scene)).toBe(1)
  })

  test('a command that is not there', async () => {
    const scene = newScene(1)
    const { code, stderr } = await spawnCli(['replicate', '-exec', 'no-such-command-here', scene.db, scene.url]).outcome
    expect(code).toBe(1)
    expect(stderr).toBe('Error: cannot start exec command "no-such-command-here": no such file, or not in $PATH\n')
  })

  test('a signal is passed on, and the command may take its time', async () => {
    const scene = newScene(1)
    const marker = join(scene.dir, 'marker')
    const script = `trap 'sleep 0.3; echo done > ${marker}; exit 0' TERM; echo ready; while :; do sleep 0.05; done`
    const { child, text, outcome } = spawnCli(['replicate', '-exec', `sh -c "${script}"`, scene.db, scene.url])
    await until('the command', () => text.stdout.includes('ready\n'))
    child.kill('SIGTERM')
    expect(await outcome).toMatchObject({ code: 0, stderr: '' })
    expect(existsSync(marker)).toBe(true)
  })

  test('a command that dies of the signal passed on is no failure; one that dies by itself is', async () => {
    const scene = newScene(1)
    const passedOn = spawnCli(['replicate', '-exec', 'sleep 60', scene.db, scene.url])
    await until('replication', () => existsSync(join(scene.replicaDir, 'ltx/0')))
    passedOn.child.kill('SIGINT')
    expect(await passedOn.outcome).toMatchObject({ code: 0, stderr: '' })
    const killed = await spawnCli(['replicate', '-exec', `sh -c 'kill -9 $$'`, scene.db, scene.url]).outcome
    expect(killed).toMatchObject({ code: 1, stderr: 'Error: signal: SIGKILL\n' })
  })

  test('the command may be what makes the database', async () => {
    const scene = newScene(7)
    const made = join(scene.dir, 'made.db')
    const command = `sh -c 'sleep 0.3; cp ${scene.db} ${made}; sleep 1.5'`
    const { code, stderr, stdout } = await spawnCli(['replicate', '-exec', command, made, scene.url]).outcome
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain('no database yet')
    expect(await restoredRows(scene)).toBe(7)
  })
})

describe('restore -f', () => {
  test('follows the replica until a signal, exit 0', async () => {
    const scene = await syncedScene(1)
    const out = join(scene.dir, 'out.db')
    const { child, outcome } = spawnCli(['restore', '-f', '-follow-interval', '50ms', '-o', out, scene.url])
    await until('the first restore', () => existsSync(`${out}-txid`))
    insert(scene.db, 4)
    await syncOnce(scene)
    await until('the change', () => countRows(out) === 5)
    child.kill('SIGINT')
    expect(await outcome).toMatchObject({ code: 0, stderr: '' })
    sql(out, 'select 1')
  })
})
