import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type CORSRule,
  GetObjectCommand,
  PutBucketCorsCommand,
  PutBucketPolicyCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import { AwsV4Signer } from 'aws4fetch'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { encodeCatalog, type ReplicaClient, readAll, withCounting } from '../../storage/index.ts'
import { S3Replica } from '../../storage/s3/index.ts'
import { openWebReplica, type WebReplicaOptions } from '../../storage/web.ts'
import { newBucket, rawClient, sharedCeph } from '../servers/shared-ceph.ts'
import { corsFetch } from '../support/cors-fetch.ts'
import { collect, listAll, ltxBytes, name, ranges } from './ltx-bytes.ts'

let bucket: string
let sdk: S3Replica
let keys: { accessKeyId: string; secretAccessKey: string }

beforeAll(() => {
  const { accessKeyId, secretAccessKey } = sharedCeph()
  keys = { accessKeyId, secretAccessKey }
})
beforeEach(async () => {
  bucket = await newBucket()
  const { endpoint, region } = sharedCeph()
  sdk = new S3Replica({ bucket, path: 'a b+c', endpoint, region, credentials: keys })
})

function light(options: WebReplicaOptions = {}): Promise<ReplicaClient> {
  return openWebReplica(`s3://${bucket}/a%20b+c?endpoint=${sharedCeph().endpoint}`, options)
}

const signed = (): Promise<ReplicaClient> => light({ s3: { credentials: keys } })

async function makePublic(): Promise<void> {
  const statement = (Action: string, Resource: string) => ({ Effect: 'Allow', Principal: '*', Action, Resource })
  const Statement = [
    statement('s3:GetObject', `arn:aws:s3:::${bucket}/*`),
    statement('s3:ListBucket', `arn:aws:s3:::${bucket}`),
  ]
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement })
  await rawClient().send(new PutBucketPolicyCommand({ Bucket: bucket, Policy }))
}

async function fill(): Promise<void> {
  for (const min of [1, 2, 255, 256]) await sdk.write(name(0, min), ltxBytes({ min, size: 1000 + min }))
  await sdk.write(name(1, 1, 256), ltxBytes({ min: 1, max: 256, size: 60_000 }))
  await sdk.write(name(9, 1, 2), ltxBytes({ min: 1, max: 2, size: 300_000 }))
}

describe('beside the SDK', () => {
  test.each(['signed', 'anonymous'])('the same listings and bytes, %s', async (how) => {
    await fill()
    if (how === 'anonymous') await makePublic()
    const client = how === 'signed' ? await signed() : await light()
    expect(client.url).toBe(sdk.url)
    for (let level = 0; level <= 9; level++) {
      for (const options of [{}, { seek: 2n }, { seek: 256n }, { useMetadata: true }]) {
        const files = await collect(sdk.list(level, options))
        expect(await collect(client.list(level, options))).toEqual(files)
        for (const file of files) {
          for (const range of [{}, { offset: 500 }, { offset: 100, size: 300 }, { offset: 900, size: 1_000_000 }]) {
            const [ours, theirs] = [await client.open(file, range), await sdk.open(file, range)]
            expect(await readAll(ours!)).toEqual(await readAll(theirs!))
          }
        }
      }
    }
  })

  test('pages of a long level are followed, and a seek spares them', async () => {
    for (let at = 1; at <= 2_100; at += 60) {
      const some = Array.from({ length: Math.min(60, 2_101 - at) }, (_, index) => at + index)
      await Promise.all(some.map((min) => sdk.write(name(0, min), ltxBytes({ min, size: 100 }))))
    }
    const { client, counts } = withCounting(await signed())
    expect(await listAll(client, 0)).toEqual(await listAll(sdk, 0))
    expect(counts.snapshot()).toMatchObject({ list: 3, total: 3 })
    counts.reset()
    expect(ranges(await listAll(client, 0, 2_099n))).toEqual(['2099-2099', '2100-2100'])
    expect(counts.snapshot()).toMatchObject({ list: 1, total: 1 })
    expect(counts.inFlight).toBe(0)
  })
})

describe('credentials', () => {
  test('a function is asked before every request: temporary keys can be renewed', async () => {
    await fill()
    let asked = 0
    const credentials = async () => {
      asked += 1
      return asked === 2 ? { ...keys, secretAccessKey: 'expired' } : keys
    }
    const client = await light({ s3: { credentials } })
    expect(await listAll(client, 9)).toHaveLength(1)
    await expect(listAll(client, 9)).rejects.toMatchObject({ code: 'STORAGE_BAD_CREDENTIALS' })
    expect(await listAll(client, 9)).toHaveLength(1)
    expect(asked).toBe(3)
  })

  test('that fails is an error of its own', async () => {
    const credentials = () => Promise.reject(new Error('no session'))
    await expect(listAll(await light({ s3: { credentials } }), 0)).rejects.toMatchObject({
      code: 'STORAGE_NO_CREDENTIALS',
      cause: new Error('no session'),
    })
  })

  test.each([
    ['a wrong secret', { secretAccessKey: 'hunter2' }, 'STORAGE_BAD_CREDENTIALS', 'the secret access key is wrong'],
    ['an unknown key', { accessKeyId: 'nobody' }, 'STORAGE_BAD_CREDENTIALS', 'does not know this access key ID'],
    ['none', undefined, 'STORAGE_ACCESS_DENIED', 'access to bucket'],
  ])('%s is told', async (_, wrong, code, words) => {
    const client = await light(wrong ? { s3: { credentials: { ...keys, ...wrong } } } : {})
    for (const call of [() => listAll(client, 0), () => client.open(name(0, 1))]) {
      const error = await call().then(
        () => expect.fail('it succeeded'),
        (reason) => reason,
      )
      expect(error).toMatchObject({ code, retryable: false })
      expect(error.message).toContain(words)
      expect(error.message).toContain(`s3://${bucket}/a b+c/0000/`)
      expect(error.message).not.toContain('hunter2')
    }
  })

  test('a missing bucket is told', async () => {
    const url = `s3://no-such-bucket/p?endpoint=${sharedCeph().endpoint}`
    const client = await openWebReplica(url, { s3: { credentials: keys } })
    for (const call of [() => listAll(client, 0), () => client.open(name(0, 1))]) {
      await expect(call()).rejects.toMatchObject({ code: 'STORAGE_NO_BUCKET', retryable: false })
    }
  })
})

describe('a page of another site', () => {
  const origin = 'https://page.example'
  const page = (): Promise<ReplicaClient> => light({ s3: { credentials: keys }, fetch: corsFetch(origin) })

  /** The rules that docs/cors.md tells to set, perhaps with other headers exposed. */
  async function allow(change: Partial<CORSRule> = {}): Promise<void> {
    const text = await readFile(join(import.meta.dirname, '../../docs/cors.md'), 'utf8')
    const { CORSRules } = JSON.parse(/```json\n(.*?)```/s.exec(text)![1]!) as { CORSRules: CORSRule[] }
    const CORSConfiguration = { CORSRules: CORSRules.map((rule) => ({ ...rule, ...change })) }
    await rawClient().send(new PutBucketCorsCommand({ Bucket: bucket, CORSConfiguration }))
  }

  test('without rules there is no answer', async () => {
    await fill()
    await expect(listAll(await page(), 0)).rejects.toMatchObject({ code: 'STORAGE_UNREACHABLE' })
  })

  test('with rules that expose nothing all is read; an end that is not known costs a request more', async () => {
    await fill()
    await allow({ ExposeHeaders: [] })
    const { client, counts } = withCounting(await page())
    expect(await listAll(client, 0)).toEqual(await listAll(sdk, 0))
    counts.reset()
    const bytes = ltxBytes({ min: 1, max: 2, size: 300_000 })
    const read = async (range: { offset: number; size: number }) => readAll((await client.open(name(9, 1, 2), range))!)
    expect(await read({ offset: 100_000, size: 50_000 })).toEqual(bytes.subarray(100_000, 150_000))
    expect(counts.snapshot()).toMatchObject({ get: 1, total: 1 })
    expect(await read({ offset: 290_000, size: 50_000 })).toEqual(bytes.subarray(290_000))
    expect(await read({ offset: 0, size: 0 })).toEqual(bytes)
    expect(await read({ offset: 300_000, size: 10 })).toEqual(new Uint8Array(0))
    expect(counts.snapshot()).toMatchObject({ get: 6, total: 6 })
    expect(counts.inFlight).toBe(0)
  })

  test('with the rules of docs/cors.md it does not', async () => {
    await fill()
    await allow()
    const { client, counts } = withCounting(await page())
    expect(await readAll((await client.open(name(9, 1, 2)))!)).toEqual(ltxBytes({ min: 1, max: 2, size: 300_000 }))
    expect(counts.snapshot()).toMatchObject({ get: 1, total: 1 })
  })
})

describe('presigned', () => {
  const presign = async (url: string): Promise<string> =>
    (await new AwsV4Signer({ url, ...keys, service: 's3', region: 'us-east-1', signQuery: true }).sign()).url.href

  async function catalog(): Promise<string> {
    await fill()
    const levels = await Promise.all(Array.from({ length: 10 }, (_, level) => listAll(sdk, level)))
    const Body = encodeCatalog({ layout: 's3', files: levels.flat() })
    await rawClient().send(new PutObjectCommand({ Bucket: bucket, Key: 'a b+c/litetap/catalog.json', Body }))
    return `${sharedCeph().endpoint}/${bucket}/a%20b%2Bc`
  }

  test('URLs for each object, made by the fetch that is given', async () => {
    const url = await catalog()
    const client = await openWebReplica(url, {
      fetch: async (input, init) => fetch(await presign(String(input)), init),
    })
    expect(await client.listAll!()).toHaveLength(6)
    const { Body } = await rawClient().send(
      new GetObjectCommand({ Bucket: bucket, Key: 'a b+c/0009/0000000000000001-0000000000000002.ltx' }),
    )
    expect(await readAll((await client.open(name(9, 1, 2)))!)).toEqual(await Body!.transformToByteArray())
  })

  test('a URL for one object is for no other: 403 says so, without the signature', async () => {
    const url = await catalog()
    const { search } = new URL(await presign(`${url}/litetap/catalog.json`))
    const signature = new URLSearchParams(search).get('X-Amz-Signature')!
    const client = await openWebReplica(url + search)
    expect(await client.listAll!()).toHaveLength(6)
    const error = await client.open(name(9, 1, 2)).then(
      () => expect.fail('it succeeded'),
      (reason) => reason,
    )
    expect(error).toMatchObject({ code: 'STORAGE_ACCESS_DENIED', retryable: false })
    expect(error.message).toMatch(/presigned URL or SAS token may have expired or not be for this object/)
    expect(signature).toMatch(/^[0-9a-f]{64}$/)
    expect(`${error.message}${client.url}`).not.toContain(signature)
  })
})
