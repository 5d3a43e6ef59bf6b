import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readdir, rm, stat, symlink, truncate, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { FileReplica } from '../../storage/file/index.ts'
import { readAll, type StorageError } from '../../storage/index.ts'
import { listAll, ltxBytes, name, ranges, TIMESTAMP } from './ltx-bytes.ts'

const isRoot = process.getuid?.() === 0
const NOBODY = 65534

let root: string
let path: string

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'file-system-'))
  path = join(root, 'replica')
})
afterEach(() => rm(root, { recursive: true, force: true }))

const FILE_1 = 'ltx/0/0000000000000001-0000000000000001.ltx'
const mode = async (file: string): Promise<number> => (await stat(file)).mode & 0o777

const failure = (promise: Promise<unknown>): Promise<StorageError> =>
  promise.then(
    () => expect.fail('it succeeded'),
    (error) => error,
  )

describe('FileReplica (facts 2.11)', () => {
  test('files are 0600, folders 0700, dated by their header', async () => {
    await new FileReplica({ path }).write(name(0, 1), ltxBytes({ min: 1 }))
    expect(await mode(join(path, FILE_1))).toBe(0o600)
    for (const dir of ['', 'ltx', 'ltx/0']) expect(await mode(join(path, dir))).toBe(0o700)
    expect(Math.floor((await stat(join(path, FILE_1))).mtimeMs)).toBe(TIMESTAMP)
  })

  test.skipIf(process.platform !== 'linux')(
    'where no folder can be made, an error and not an endless loop',
    async () => {
      const error = await failure(
        new FileReplica({ path: '/proc/litetap/replica' }).write(name(0, 1), ltxBytes({ min: 1 })),
      )
      expect(error).toMatchObject({ name: 'StorageError', message: expect.stringContaining('/proc/litetap') })
    },
  )

  test('dated to the very millisecond, whichever it is', async () => {
    for (const timestamp of [1795475939201, 1795475944346, 1767323045678, 1767323045001, 1767323045999]) {
      await new FileReplica({ path }).write(name(0, 1), ltxBytes({ min: 1, timestamp }))
      expect(Math.floor((await stat(join(path, FILE_1))).mtimeMs)).toBe(timestamp)
      expect((await listAll(new FileReplica({ path }), 0)).map((file) => file.createdAt)).toEqual([timestamp])
    }
  })

  test('or as told, whatever the umask', async () => {
    const before = process.umask(0o077)
    try {
      const owner = isRoot ? { uid: NOBODY, gid: NOBODY } : {}
      await new FileReplica({ path, mode: 0o640, dirMode: 0o750, ...owner }).write(name(0, 1), ltxBytes({ min: 1 }))
    } finally {
      process.umask(before)
    }
    expect(await mode(join(path, FILE_1))).toBe(0o640)
    for (const dir of ['', 'ltx', 'ltx/0']) expect(await mode(join(path, dir))).toBe(0o750)
    const info = await stat(join(path, FILE_1))
    if (isRoot) expect([info.uid, info.gid, (await stat(path)).uid]).toEqual([NOBODY, NOBODY, NOBODY])
  })

  test('existing folders keep their mode', async () => {
    await mkdir(path)
    await chmod(path, 0o755)
    await new FileReplica({ path, dirMode: 0o700 }).write(name(0, 1), ltxBytes({ min: 1 }))
    expect(await mode(path)).toBe(0o755)
  })

  test('a file that is cut while it is read is a short read', async () => {
    const client = new FileReplica({ path })
    await client.write(name(0, 1), ltxBytes({ min: 1, size: 2_000_000 }))
    const stream = (await client.open(name(0, 1)))!
    await truncate(join(path, FILE_1), 700_000)
    expect(await failure(readAll(stream))).toMatchObject({
      code: 'STORAGE_SHORT_READ',
      retryable: true,
      at: { offset: 700_000 },
    })
  })

  test('folders and broken links named like files are ignored', async () => {
    const client = new FileReplica({ path })
    await client.write(name(0, 1), ltxBytes({ min: 1 }))
    await mkdir(join(path, 'ltx/0/0000000000000002-0000000000000002.ltx'))
    await symlink('nowhere', join(path, 'ltx/0/0000000000000003-0000000000000003.ltx'))
    expect(ranges(await listAll(client, 0))).toEqual(['1-1'])
  })

  test('a modification time within a millisecond is rounded, not cut', async () => {
    const client = new FileReplica({ path })
    await client.write(name(0, 1), ltxBytes({ min: 1 }))
    for (let ms = TIMESTAMP; ms < TIMESTAMP + 50; ms++) {
      await utimes(join(path, FILE_1), ms / 1000, ms / 1000)
      expect((await listAll(client, 0))[0]!.createdAt).toBe(ms)
    }
  })

  test('deleteAll keeps the folder itself, and refuses /', async () => {
    const client = new FileReplica({ path })
    await client.write(name(0, 1), ltxBytes({ min: 1 }))
    await client.deleteAll()
    expect(await readdir(path)).toEqual([])
    expect(await failure(new FileReplica({ path: '/' }).deleteAll())).toMatchObject({ code: 'STORAGE_BAD_OPTION' })
  })
})

describe('messages for people', () => {
  test('a file where a folder should be', async () => {
    await writeFile(path, '')
    const client = new FileReplica({ path })
    const message = `: part of its path is a file, not a folder`
    const listing = await failure(listAll(client, 0))
    expect(listing).toMatchObject({ code: 'STORAGE_IO', message: `Cannot read folder ${path}/ltx/0${message}` })
    expect(listing.cause).toMatchObject({ code: 'ENOTDIR' })
    const reading = failure(client.open(name(0, 1)))
    expect(await reading).toMatchObject({ code: 'STORAGE_IO', message: `Cannot read ${path}/${FILE_1}${message}` })
    const writing = await failure(client.write(name(0, 1), ltxBytes({ min: 1 })))
    expect(writing).toMatchObject({ code: 'STORAGE_IO', message: expect.stringContaining(`Cannot write ${path}`) })
  })

  test('a folder that may not be read or written', async () => {
    await new FileReplica({ path }).write(name(0, 1), ltxBytes({ min: 1 }))
    chmodSync(root, 0o755)
    chmodSync(path, 0o755)
    chmodSync(join(path, 'ltx'), 0o755)
    chmodSync(join(path, 'ltx/0'), 0)
    if (isRoot) {
      chownSync(join(path, 'ltx/0'), NOBODY, NOBODY)
      process.seteuid!(NOBODY)
    }
    try {
      const client = new FileReplica({ path })
      const denied = { code: 'STORAGE_ACCESS_DENIED', retryable: false }
      const listing = await failure(listAll(client, 0))
      expect(listing).toMatchObject({
        ...denied,
        message: `Cannot read folder ${path}/ltx/0: permission denied; check who owns it and its mode`,
      })
      expect(await failure(client.open(name(0, 1)))).toMatchObject(denied)
      expect(await failure(client.write(name(0, 1), ltxBytes({ min: 1 })))).toMatchObject(denied)
      expect(await failure(client.delete([name(0, 1)]))).toMatchObject(denied)
    } finally {
      if (isRoot) process.seteuid!(0)
      chmodSync(join(path, 'ltx/0'), 0o700)
    }
  })

  test('a full disk: the message says so and nothing is left', async (context) => {
    await mkdir(path)
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', path], { stdio: 'ignore' })
    } catch {
      context.skip('needs the right to mount a small file system')
    }
    try {
      const client = new FileReplica({ path })
      await client.write(name(0, 1), ltxBytes({ min: 1 }))
      const error = await failure(client.write(name(0, 2), ltxBytes({ min: 2, size: 1_000_000 })))
      expect(error).toMatchObject({ code: 'STORAGE_NO_SPACE', retryable: false })
      expect(error.message).toBe(
        `Cannot write ${path}/ltx/0/0000000000000002-0000000000000002.ltx: no space left on the file system`,
      )
      expect(await readdir(join(path, 'ltx/0'))).toEqual(['0000000000000001-0000000000000001.ltx'])
    } finally {
      execFileSync('umount', [path])
    }
  })
})
