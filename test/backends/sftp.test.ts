import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, readdir, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { readAll } from '../../storage/index.ts'
import { SftpReplica, type SftpReplicaOptions } from '../../storage/sftp/index.ts'
import { type LagProxy, startLagProxy } from '../servers/lag-proxy.ts'
import { replicaClientConformance } from '../storage/conformance.ts'
import { listAll, ltxBytes, name, ranges, streamOf, TIMESTAMP } from '../storage/ltx-bytes.ts'
import { tempDir } from '../support/temp-dir.ts'
import { diskSubject } from './disk-subject.ts'
import { type Sshd, startSshd } from './servers/sshd.ts'

let sshd: Sshd
const opened: SftpReplica[] = []
beforeAll(async () => {
  sshd = await startSshd()
})
afterAll(async () => {
  for (const client of opened) await client.close()
  await sshd?.stop()
})

function replica(options: Partial<SftpReplicaOptions> = {}): SftpReplica {
  const { host, user, keyPath, hostKey } = sshd
  const client = new SftpReplica({ host, user, keyPath, hostKey, path: `${sshd.dir}/app`, ...options })
  opened.push(client)
  return client
}

replicaClientConformance(
  'SftpReplica on OpenSSH',
  async () => {
    const root = join(sshd.dir, randomBytes(6).toString('hex'))
    await mkdir(root)
    return { client: (path) => replica({ path: join(root, path) }), ...diskSubject(root) }
  },
  {
    subject: SftpReplica,
    type: 'sftp',
    key: (path, level, file) => `${path}/ltx/${level}/${file}`,
    fastTimestamps: 'seconds',
  },
)

/** A path of its own in the server's file system. */
function freshPath(): string {
  return join(sshd.dir, randomBytes(6).toString('hex'))
}

async function logins(): Promise<number> {
  return (await sshd.log()).match(/Accepted publickey/g)?.length ?? 0
}

async function badLine(): Promise<LagProxy> {
  const proxy = await startLagProxy(`http://${sshd.host}`)
  onTestFinished(() => proxy.close())
  return proxy
}

describe('files', () => {
  test('are under their final names only, dated in whole seconds (facts 2.2, 2.8)', async () => {
    const path = freshPath()
    await replica({ path }).write(name(0, 1), ltxBytes({ min: 1, timestamp: TIMESTAMP }))
    const dir = join(path, 'ltx/0')
    expect(await readdir(dir)).toEqual(['0000000000000001-0000000000000001.ltx'])
    const { mtimeMs } = await stat(join(dir, '0000000000000001-0000000000000001.ltx'))
    expect(mtimeMs).toBe(Math.floor(TIMESTAMP / 1000) * 1000)
  })

  test.each([true, false])('of 20 MB go both ways, with concurrent writes %s', async (concurrentWrites) => {
    const client = replica({ path: freshPath(), concurrentWrites })
    const bytes = ltxBytes({ min: 1, size: 20_000_003 })
    await client.write(name(0, 1), streamOf(bytes, 99_991))
    expect(Buffer.compare(await readAll((await client.open(name(0, 1)))!), bytes)).toBe(0)
  })

  test('that are cut while they are read are refused', async () => {
    const path = freshPath()
    const client = replica({ path })
    await client.write(name(0, 1), ltxBytes({ min: 1, size: 8_000_000 }))
    const stream = (await client.open(name(0, 1)))!
    const iterator = stream[Symbol.asyncIterator]()
    await iterator.next()
    await truncate(join(path, 'ltx/0/0000000000000001-0000000000000001.ltx'), 3_000_000)
    const rest = (async () => {
      while (!(await iterator.next()).done);
    })()
    await expect(rest).rejects.toMatchObject({ code: 'STORAGE_SHORT_READ', retryable: true })
  })

  test('where a folder is in the way are refused, and nothing is left', async () => {
    const path = freshPath()
    await mkdir(join(path, 'ltx'), { recursive: true })
    await writeFile(join(path, 'ltx/0'), 'a file')
    await expect(replica({ path }).write(name(0, 1), ltxBytes({ min: 1 }))).rejects.toMatchObject({
      code: expect.stringMatching(/^STORAGE_/),
    })
    expect(await readdir(join(path, 'ltx'))).toEqual(['0'])
  })
})

/** How often a file is open in any process of this machine. */
async function timesOpen(path: string): Promise<number> {
  const count = 'readlink /proc/[0-9]*/fd/* 2>/dev/null | grep -cxF -- "$1" || true'
  const { stdout } = await promisify(execFile)('sh', ['-c', count, 'sh', path])
  return Number(stdout)
}

describe('handles', () => {
  test('are closed where nobody waits for them any more', async () => {
    const path = freshPath()
    const client = replica({ path })
    await client.write(name(0, 1), ltxBytes({ min: 1 }))
    const file = join(path, 'ltx/0/0000000000000001-0000000000000001.ltx')
    const stream = (await client.open(name(0, 1)))!
    expect(await timesOpen(file)).toBe(1)
    await stream[Symbol.asyncIterator]().return?.()
    for (let round = 0; round < 5; round++) {
      const controller = new AbortController()
      const opening = client.open(name(0, 1), { signal: controller.signal })
      setImmediate(() => controller.abort(new Error('enough')))
      await expect(opening).rejects.toThrow('enough')
    }
    await listAll(client, 0)
    await expect.poll(() => timesOpen(file)).toBe(0)
  })
})

describe('the connection', () => {
  test('is one for everything a client does at once', async () => {
    const client = replica({ path: freshPath() })
    const before = await logins()
    await Promise.all([1, 2, 3, 4, 5].map((min) => client.write(name(0, min), ltxBytes({ min }))))
    await Promise.all([1, 2, 3].map(async (min) => readAll((await client.open(name(0, min)))!)))
    expect(await logins()).toBe(before + 1)
  })

  test('is made anew after it broke; what was under way may be tried again', async () => {
    const proxy = await badLine()
    const client = replica({ path: freshPath(), host: `127.0.0.1:${proxy.port}` })
    await client.write(name(0, 1), ltxBytes({ min: 1 }))
    proxy.set({ resetAfter: proxy.stats.down + 100 })
    const broken = { code: 'STORAGE_UNREACHABLE', retryable: true }
    await expect(client.write(name(0, 2), ltxBytes({ min: 2 }))).rejects.toMatchObject(broken)
    await client.write(name(0, 3), ltxBytes({ min: 3 }))
    expect(ranges(await listAll(client, 0))).toContain('3-3')
    expect(proxy.stats.connections).toBe(2)
  })

  test('that hangs is given up in time, before the login and after', async () => {
    const proxy = await badLine()
    const limits = { connectTimeoutMs: 500, requestTimeoutMs: 300 }
    const client = replica({ path: freshPath(), host: `127.0.0.1:${proxy.port}`, ...limits })
    const late = { code: 'STORAGE_TIMEOUT', retryable: true }
    proxy.set({ blackhole: true })
    await expect(listAll(client, 0)).rejects.toMatchObject(late)
    proxy.resetAll()
    proxy.set({ blackhole: false })
    expect(await listAll(client, 0)).toEqual([])
    proxy.set({ blackhole: true })
    await expect(listAll(client, 0)).rejects.toMatchObject(late)
  })

  test('that nobody answers says where', async () => {
    const refused = listAll(replica({ host: '127.0.0.1:1' }), 0)
    await expect(refused).rejects.toMatchObject({
      code: 'STORAGE_UNREACHABLE',
      message: expect.stringMatching(/nothing listens at 127.0.0.1:1/),
    })
  })
})

describe('trust', () => {
  test('another host key is refused before anything is told', async () => {
    const other = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'
    const before = await logins()
    const refused = {
      code: 'STORAGE_BAD_CREDENTIALS',
      message: expect.stringMatching(/its host key is not the one in the settings/),
    }
    await expect(listAll(replica({ hostKey: other }), 0)).rejects.toMatchObject(refused)
    expect(await logins()).toBe(before)
  })

  test('a key of a kind that the server has none of is refused', async () => {
    const blob = Buffer.concat([Buffer.from([0, 0, 0, 7]), Buffer.from('ssh-rsa'), Buffer.alloc(40)])
    const hostKey = `ssh-rsa ${blob.toString('base64')}`
    await expect(listAll(replica({ hostKey }), 0)).rejects.toMatchObject({ code: 'STORAGE_BAD_CREDENTIALS' })
  })

  test('without a host key it connects, and warns once (facts 2.8)', async () => {
    const { host, user, keyPath } = sshd
    const warnings: string[] = []
    const client = new SftpReplica({
      host,
      user,
      keyPath,
      path: freshPath(),
      warn: (message) => warnings.push(message),
    })
    opened.push(client)
    expect(await listAll(client, 0)).toEqual([])
    expect(await listAll(client, 1)).toEqual([])
    expect(warnings).toEqual([expect.stringContaining(`The host key of ${host} is not verified`)])
  })

  test('a key that the server does not know, a file that is none, and none at all', async () => {
    const code = 'STORAGE_BAD_OPTION'
    await expect(listAll(replica({ keyPath: '/nowhere/key' }), 0)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(/\/nowhere\/key/),
    })
    const noKey = join(tempDir(), 'key')
    await writeFile(noKey, 'not a key')
    await expect(listAll(replica({ keyPath: noKey }), 0)).rejects.toMatchObject({ code })
    const denied = { code: 'STORAGE_BAD_CREDENTIALS', retryable: false }
    const error = await listAll(replica({ keyPath: '', password: 'hunter2' }), 0).catch((reason) => reason)
    expect(error).toMatchObject(denied)
    expect(String(error.message)).not.toContain('hunter2')
  })
})
