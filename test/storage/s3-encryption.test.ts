import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { GetObjectCommand, HeadObjectCommand } from '@aws-sdk/client-s3'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Lease, openReplicaSettings, type ReplicaClient, readAll } from '../../storage/node.ts'
import { KMS_KEY_ID } from '../servers/ceph-s3.ts'
import { newBucket, rawClient, sharedCeph } from '../servers/shared-ceph.ts'
import { collect, listAll, ltxBytes, name, TIMESTAMP } from './ltx-bytes.ts'

const KEY = 'app/0000/0000000000000001-0000000000000001.ltx'
const customerKey = Buffer.from('0123456789abcdef0123456789abcdef').toString('base64')
const MiB = 1024 * 1024

let bucket: string
let dir: string
beforeEach(async () => {
  bucket = await newBucket()
  dir = mkdtempSync(join(tmpdir(), 'litetap-sse-'))
})
afterEach(() => rmSync(dir, { recursive: true }))

async function open(more: { sseCustomerKey?: string; sseCustomerKeyPath?: string; sseKmsKeyId?: string }) {
  const { endpoint, region, accessKeyId, secretAccessKey } = sharedCeph()
  const credentials = { accessKeyId, secretAccessKey }
  const common = { type: 's3', bucket, path: 'app', endpoint, region, credentials, maxAttempts: 2 } as const
  return await openReplicaSettings({ ...common, ...more })
}

async function everything(client: ReplicaClient): Promise<void> {
  const small = ltxBytes({ min: 1, size: 5000 })
  const large = ltxBytes({ min: 1, max: 9, size: 11 * MiB })
  await client.write(name(0, 1), small)
  await client.write(name(9, 1, 9), large)
  expect(await readAll((await client.open(name(0, 1)))!)).toEqual(small)
  expect(await readAll((await client.open(name(0, 1), { offset: 4000, size: 500 }))!)).toEqual(small.slice(4000, 4500))
  const range = { offset: 6 * MiB - 7, size: 1000 }
  const read = await readAll((await client.open(name(9, 1, 9), range))!)
  expect(Buffer.compare(read, large.subarray(range.offset, range.offset + 1000))).toBe(0)
  const [file] = await collect(client.list(0, { useMetadata: true }))
  expect(file).toMatchObject({ size: 5000, createdAt: TIMESTAMP })
  await client.writeSidecar!('litetap/catalog.json', new TextEncoder().encode('{}'))
  const lease = new Lease(client.lease!, { now: () => TIMESTAMP })
  await lease.acquire()
  await lease.renew()
  await lease.release()
  await client.delete([name(0, 1)])
  expect(await listAll(client, 0)).toEqual([])
}

describe('a customer key (SSE-C) on Ceph RGW', () => {
  test('encrypts what is written, in one PUT and in parts, and reads it', async () => {
    await everything(await open({ sseCustomerKey: customerKey }))
  })

  test('from a file, which wins over the key itself', async () => {
    const path = join(dir, 'key')
    writeFileSync(path, `${customerKey}\n`)
    const other = Buffer.alloc(32, 'x').toString('base64')
    const client = await open({ sseCustomerKeyPath: path, sseCustomerKey: other })
    await client.write(name(0, 1), ltxBytes({ min: 1 }))
    const direct = await open({ sseCustomerKey: customerKey })
    expect(await readAll((await direct.open(name(0, 1)))!)).toEqual(ltxBytes({ min: 1 }))
  })

  test('is needed to read, and must be the same', async () => {
    const client = await open({ sseCustomerKey: customerKey })
    await client.write(name(0, 1), ltxBytes({ min: 1 }))
    await expect(rawClient().send(new GetObjectCommand({ Bucket: bucket, Key: KEY }))).rejects.toThrow()
    const other = Buffer.alloc(32, 'x').toString('base64')
    for (const wrong of [await open({}), await open({ sseCustomerKey: other })]) {
      const error = await wrong.open(name(0, 1)).catch((reason) => reason)
      expect(error).toMatchObject({ name: 'StorageError', retryable: false })
      expect(error.message).not.toContain(other)
    }
  })

  test.each([
    ['no such file', undefined, 'ENOENT'],
    ['nothing in it', ' \n', 'is empty'],
    ['no key in it', 'c2hvcnQ=', 'must be 32 bytes'],
  ])('a key file with %s', async (_, text, why) => {
    const path = join(dir, 'key')
    if (text !== undefined) writeFileSync(path, text)
    const error = await open({ sseCustomerKeyPath: path }).catch((reason) => reason)
    expect(error).toMatchObject({ code: 'STORAGE_BAD_OPTION' })
    expect(error.message).toContain(why)
  })
})

describe('a key of the server (SSE-KMS) on Ceph RGW', () => {
  test('encrypts what is written, in one PUT and in parts', async () => {
    const client = await open({ sseKmsKeyId: KMS_KEY_ID })
    await everything(client)
    await client.write(name(0, 1), ltxBytes({ min: 1 }))
    const head = await rawClient().send(new HeadObjectCommand({ Bucket: bucket, Key: KEY }))
    expect(head).toMatchObject({ ServerSideEncryption: 'aws:kms', SSEKMSKeyId: KMS_KEY_ID })
    await new Lease(client.lease!, { now: () => TIMESTAMP }).acquire()
    const lease = await rawClient().send(new HeadObjectCommand({ Bucket: bucket, Key: 'app/lock.json' }))
    expect(lease.ServerSideEncryption).toBe('aws:kms')
  })

  test('that it does not have is an error', async () => {
    const client = await open({ sseKmsKeyId: 'no-such-key' })
    const write = client.write(name(0, 1), ltxBytes({ min: 1 }))
    await expect(write).rejects.toMatchObject({ name: 'StorageError', retryable: false })
  })
})
