import { afterAll, beforeAll, expect, test } from 'vitest'
import { openReplica } from '../../storage/node.ts'
import { startSelfSigned } from '../servers/self-signed.ts'
import { listAll } from './ltx-bytes.ts'

const env = { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'secret' }
let server: Awaited<ReturnType<typeof startSelfSigned>>
beforeAll(async () => {
  server = await startSelfSigned('<ListBucketResult/>')
})
afterAll(() => server.close())

test('a certificate that nobody signed is refused, and the message says what may be done', async () => {
  const client = await openReplica(`s3://b/app?endpoint=${server.endpoint}`, { env, s3: { maxAttempts: 1 } })
  const error = await listAll(client as never, 0).catch((reason) => reason)
  expect(error).toMatchObject({ code: 'STORAGE_TLS', retryable: false })
  expect(error.message).toContain('skip-verify=true')
  await client.close()
})

test.each(['skip-verify', 'skipVerify'])('%s takes it', async (parameter) => {
  const client = await openReplica(`s3://b/app?endpoint=${server.endpoint}&${parameter}=true`, { env })
  expect(await listAll(client as never, 0)).toEqual([])
  await client.close()
})
