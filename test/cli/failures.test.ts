import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { newBucket, sharedCeph } from '../servers/shared-ceph.ts'
import { insert, newScene, type Scene, syncedScene, syncOnce } from './scene.ts'
import { cli, type InProcessOptions } from './support.ts'

/** The whole of stderr must be one `Error:` line that says `message`, and at most one `Try:` line; exit 1. */
async function fails(args: readonly string[], message: RegExp, options: InProcessOptions = {}): Promise<void> {
  const { code, stderr } = await cli(args, options)
  expect(stderr).toMatch(/^Error: [^\n]+\n(Try: [^\n]+\n)?$/)
  expect(stderr).toMatch(message)
  expect(stderr).not.toMatch(/undefined|\[object|\n\s+at /)
  expect(code).toBe(1)
}

describe('the database', () => {
  test.each([[[]], [['-once']]])('that does not exist: replicate %j', async (flags) => {
    const { dir, url } = newScene()
    await fails(['replicate', ...flags, 'absent.db', url], /\/absent\.db: no such database\nTry: /, { cwd: dir })
  })

  test.each([[[]], [['-once']]])('that is none: replicate %j', async (flags) => {
    const { dir, url } = newScene()
    writeFileSync(
      join(dir, 'text.db'),
      'These are words, and there are quite enough of them, but no database.\n'.repeat(20),
    )
    await fails(['replicate', ...flags, 'text.db', url], /\/text\.db: file is not a database\nTry: /, { cwd: dir })
  })

  test('that is a directory, and one in a directory that is none', async () => {
    const { dir, url } = newScene()
    await fails(['replicate', '-once', dir, url], new RegExp(`${dir}: it is not a regular file`))
    await fails(['replicate', '-once', 'app.db/x.db', url], /app\.db\/x\.db/, { cwd: dir })
  })
})

describe('the replica URL', () => {
  test.each([
    ['s3:bucket/app', /two slashes; write s3:\/\/bucket\/app/],
    ['s3//bucket/app', /s3\/\/bucket\/app.*no scheme/],
    ['s3:///app', /the bucket is missing/],
    ['ss3://bucket/app', /ss3:\/\//],
    ['gcs://bucket/app', /gs:\/\//],
    ['s3://bucket/app?endpiont=x', /"endpiont" is unknown; did you mean endpoint\?/],
  ])('with a typo: %s', async (url, message) => {
    const { dir } = newScene()
    await fails(['ltx', url], message)
    await fails(['restore', '-o', 'out.db', url], message, { cwd: dir })
    await fails(['replicate', '-once', 'app.db', url], message, { cwd: dir })
  })

  test('a path where a URL is expected', async () => {
    const { dir } = newScene()
    await fails(['replicate', 'app.db', './backup'], /"\.\/backup"/, { cwd: dir })
  })
})

describe('the folder of a file replica', () => {
  test('that is a file', async () => {
    const scene = newScene()
    writeFileSync(scene.replicaDir, '')
    for (const args of [['ltx'], ['restore', '-o', 'out.db'], ['replicate', '-once', 'app.db']]) {
      await fails([...args, scene.url], new RegExp(scene.replicaDir), { cwd: scene.dir })
    }
  })

  test('that cannot be read', async () => {
    const scene = newScene()
    mkdirSync(join(scene.replicaDir, 'ltx'), { recursive: true })
    // A link to itself: unreadable even for root.
    for (const level of [0, 9]) symlinkSync(`${level}`, join(scene.replicaDir, `ltx/${level}`))
    await fails(['ltx', scene.url], new RegExp(`${scene.replicaDir}/ltx/0`))
    await fails(['restore', '-o', 'out.db', scene.url], new RegExp(`${scene.replicaDir}/ltx/`), { cwd: scene.dir })
  })
})

/** Paths of a replica's files of one level, in order. */
function files({ replicaDir }: Scene, level: number): string[] {
  const dir = join(replicaDir, `ltx/${level}`)
  return readdirSync(dir)
    .sort()
    .map((name) => join(dir, name))
}

/** Three L0 files and no snapshot. */
async function threeFiles(): Promise<Scene> {
  const scene = newScene(1)
  await syncOnce(scene)
  for (let i = 0; i < 2; i++) {
    insert(scene.db, 1)
    await syncOnce(scene)
  }
  expect(files(scene, 0).length).toBe(3)
  return scene
}

describe('a replica to restore from', () => {
  const restore = (scene: Scene, ...flags: string[]) => [
    'restore',
    ...flags,
    '-o',
    join(scene.dir, 'out.db'),
    scene.url,
  ]

  test('that is empty', async () => {
    const scene = newScene()
    await fails(restore(scene), new RegExp(`no backup.*${scene.url}`))
    await fails(restore(scene, '-dry-run'), new RegExp(`no backup.*${scene.url}`))
    expect(readdirSync(scene.dir)).not.toContain('out.db')
  })

  test('with a TXID or a time that is not there', async () => {
    const scene = await syncedScene()
    await fails(restore(scene, '-txid', '00000000000000ff'), /TXID 00000000000000ff is not available/)
    await fails(restore(scene, '-timestamp', '2000-01-01T00:00:00Z'), /2000-01-01T00:00:00/)
  })

  test('with a hole', async () => {
    const scene = await threeFiles()
    rmSync(files(scene, 0)[1]!)
    await fails(restore(scene), /TXIDs? 0{15}2/)
  })

  test('with a damaged, a cut, an empty file, or another one in its place', async () => {
    const scene = await threeFiles()
    const path = files(scene, 0)[1]!
    const sound = await readFile(path)
    const damaged = Uint8Array.from(sound)
    damaged[150]! ^= 0x40
    for (const bytes of [damaged, sound.subarray(0, 200), sound.subarray(0, 50), new Uint8Array(0)]) {
      await writeFile(path, bytes)
      const { code, stderr } = await cli(restore(scene))
      expect(stderr).toMatch(/^Error: [^\n]*0{15}2-0{15}2\.ltx[^\n]*\n(Try: [^\n]+\n)?$/)
      expect(code).toBe(1)
    }
    copyFileSync(files(scene, 0)[2]!, path)
    expect((await cli(restore(scene))).code).toBe(1)
    expect(readdirSync(scene.dir).filter((name) => name.startsWith('out.db'))).toEqual([])
  })
})

describe('local state', () => {
  test('that is gone or cut off does not stop a sync', async () => {
    const scene = await syncedScene()
    const local = join(scene.dir, '.app.db-litestream/ltx/0')
    for (const name of readdirSync(local)) truncateSync(join(local, name), 10)
    insert(scene.db, 1)
    await syncOnce(scene)
    renameSync(local, `${local}-gone`)
    insert(scene.db, 1)
    await syncOnce(scene)
  })
})

describe('S3', () => {
  const s3 = (bucket: string, endpoint = sharedCeph().endpoint) =>
    `s3://${bucket}/app?endpoint=${endpoint}&region=${sharedCeph().region}`
  const env = (change: Record<string, string> = {}) => ({
    AWS_ACCESS_KEY_ID: sharedCeph().accessKeyId,
    AWS_SECRET_ACCESS_KEY: sharedCeph().secretAccessKey,
    ...change,
  })
  const commands = ['ltx', 'restore -o out.db', 'replicate -once app.db', 'replicate app.db']

  test.each(commands.slice(0, 3))('works, to begin with: %s', async (command) => {
    const { dir, db } = newScene()
    const url = s3(await newBucket())
    expect((await cli(['replicate', '-once', db, url], { env: env() })).stderr).toBe('')
    expect(await cli([...command.split(' '), url], { cwd: dir, env: env() })).toMatchObject({ code: 0, stderr: '' })
  })

  test.each(commands)('a wrong secret (%s)', async (command) => {
    const { dir } = newScene()
    const given = env({ AWS_SECRET_ACCESS_KEY: 'wrong' })
    await fails([...command.split(' '), s3(await newBucket())], /AWS_SECRET_ACCESS_KEY|secret/i, {
      cwd: dir,
      env: given,
    })
  })

  test.each(commands)('an unknown access key (%s)', async (command) => {
    const { dir } = newScene()
    const given = env({ AWS_ACCESS_KEY_ID: 'nobody' })
    await fails([...command.split(' '), s3(await newBucket())], /key/i, { cwd: dir, env: given })
  })

  test.each(commands)('a bucket that is not there (%s)', async (command) => {
    const { dir } = newScene()
    await fails(
      [...command.split(' '), s3('no-such-bucket-here')],
      /bucket.*no-such-bucket-here|no-such-bucket-here.*bucket/i,
      {
        cwd: dir,
        env: env(),
      },
    )
  })

  test('nothing listens', async () => {
    const { dir, db } = newScene()
    const url = s3('bucket', 'http://127.0.0.1:1')
    const { code, stderr } = await cli(['restore', '-o', 'out.db', url], { cwd: dir, env: env() })
    expect(stderr).toMatch(/^Error: .*nothing listens at http:\/\/127\.0\.0\.1:1.*\n$/)
    expect(code).toBe(1)
    const once = await cli(['replicate', '-once', db, url], { env: env() })
    expect(once).toMatchObject({ code: 1, stderr: expect.stringMatching(/^Error: .*nothing listens/) })
    expect(once.stdout).toContain('level=WARN msg="trying again"')
  })
})
