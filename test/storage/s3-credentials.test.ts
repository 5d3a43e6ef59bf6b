import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { openReplica } from '../../storage/node.ts'
import { type ScriptedRequest, type ScriptedServer, startScriptedHttp } from '../servers/scripted-http.ts'
import { listAll } from './ltx-bytes.ts'

/** All that may decide who we are: none of the machine's is left. */
const CHAIN = [
  'AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_PROFILE AWS_DEFAULT_PROFILE AWS_REGION',
  'AWS_DEFAULT_REGION AWS_CONTAINER_CREDENTIALS_FULL_URI AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
  'AWS_CONTAINER_AUTHORIZATION_TOKEN AWS_WEB_IDENTITY_TOKEN_FILE AWS_ROLE_ARN AWS_ROLE_SESSION_NAME',
  'AWS_EC2_METADATA_SERVICE_ENDPOINT AWS_ENDPOINT_URL AWS_ENDPOINT_URL_S3 AWS_ENDPOINT_URL_STS',
  'HTTP_PROXY HTTPS_PROXY http_proxy https_proxy NO_PROXY no_proxy',
].flatMap((names) => names.split(' '))

const NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/'

let s3: ScriptedServer
/** Answers where a bucket is. */
let location: (response: ServerResponse) => void
let other: ScriptedServer | undefined
let dir: string

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'litetap-aws-'))
  for (const name of CHAIN) vi.stubEnv(name, undefined)
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', join(dir, 'credentials'))
  vi.stubEnv('AWS_CONFIG_FILE', join(dir, 'config'))
  location = (response) => response.end(`<LocationConstraint xmlns="${NAMESPACE}">eu-central-1</LocationConstraint>`)
  s3 = await startScriptedHttp((request, response) => {
    if (request.url.includes('location')) location(response)
    else response.end('<ListBucketResult/>')
  })
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await s3.close()
  await other?.close()
  other = undefined
  rmSync(dir, { recursive: true })
})

/** Lists a replica with what the process's environment says; @returns the request that was sent */
async function list(url = `s3://bkt/app?endpoint=${s3.endpoint}&region=us-west-2`): Promise<ScriptedRequest> {
  const client = await openReplica(url)
  try {
    expect(await listAll(client as never, 0)).toEqual([])
  } finally {
    await client.close()
  }
  return s3.requests.at(-1)!
}

function signedBy(id: string, token?: string) {
  return {
    authorization: expect.stringMatching(new RegExp(`Credential=${id}/`)),
    ...(token !== undefined && { 'x-amz-security-token': token }),
  }
}

const inOneHour = (): string => new Date(Date.now() + 3_600_000).toISOString()

describe('the AWS chain is reached (features 5)', () => {
  test('keys and a session token of the environment', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'ENV')
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret')
    vi.stubEnv('AWS_SESSION_TOKEN', 'token')
    expect((await list()).headers).toMatchObject(signedBy('ENV', 'token'))
  })

  test('the default profile, and AWS_PROFILE', async () => {
    const profile = (name: string, id: string): string =>
      `[${name}]\naws_access_key_id=${id}\naws_secret_access_key=secret\naws_session_token=${id}-token\n`
    writeFileSync(join(dir, 'credentials'), profile('default', 'DEFAULT') + profile('work', 'WORK'))
    expect((await list()).headers).toMatchObject(signedBy('DEFAULT', 'DEFAULT-token'))
    vi.stubEnv('AWS_PROFILE', 'work')
    expect((await list()).headers).toMatchObject(signedBy('WORK', 'WORK-token'))
  })

  test('a process that a profile names', async () => {
    const answer = JSON.stringify({ Version: 1, AccessKeyId: 'PROCESS', SecretAccessKey: 'secret' })
    writeFileSync(join(dir, 'answer'), answer)
    writeFileSync(join(dir, 'config'), `[default]\ncredential_process = cat ${join(dir, 'answer')}\n`)
    expect((await list()).headers).toMatchObject(signedBy('PROCESS'))
  })

  test('a container (ECS)', async () => {
    other = await startScriptedHttp((_, response) =>
      response.end(
        JSON.stringify({ AccessKeyId: 'ECS', SecretAccessKey: 's', Token: 'ecs-token', Expiration: inOneHour() }),
      ),
    )
    vi.stubEnv('AWS_CONTAINER_CREDENTIALS_FULL_URI', `${other.endpoint}/creds`)
    vi.stubEnv('AWS_CONTAINER_AUTHORIZATION_TOKEN', 'Basic abc')
    expect((await list()).headers).toMatchObject(signedBy('ECS', 'ecs-token'))
    expect(other.requests[0]).toMatchObject({ url: '/creds', headers: { authorization: 'Basic abc' } })
  })

  test('an EC2 instance (IMDS v2)', async () => {
    other = await startScriptedHttp((request, response) => {
      const keys = { Code: 'Success', AccessKeyId: 'IMDS', SecretAccessKey: 's', Token: 't', Expiration: inOneHour() }
      if (request.method === 'PUT') response.end('imds-session')
      else response.end(request.url.endsWith('/role') ? JSON.stringify(keys) : 'role')
    })
    vi.stubEnv('AWS_EC2_METADATA_DISABLED', undefined)
    vi.stubEnv('AWS_EC2_METADATA_SERVICE_ENDPOINT', other.endpoint)
    expect((await list()).headers).toMatchObject(signedBy('IMDS', 't'))
    expect(other.requests.at(-1)!.headers['x-aws-ec2-metadata-token']).toBe('imds-session')
  })

  test('web identity (IRSA)', async () => {
    const credentials = `<AccessKeyId>WEB</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>web-token</SessionToken><Expiration>${inOneHour()}</Expiration>`
    other = await startScriptedHttp((_, response) => {
      const result = `<AssumeRoleWithWebIdentityResult><Credentials>${credentials}</Credentials></AssumeRoleWithWebIdentityResult>`
      response.end(`<AssumeRoleWithWebIdentityResponse>${result}</AssumeRoleWithWebIdentityResponse>`)
    })
    writeFileSync(join(dir, 'jwt'), 'some.jwt.text')
    vi.stubEnv('AWS_WEB_IDENTITY_TOKEN_FILE', join(dir, 'jwt'))
    vi.stubEnv('AWS_ROLE_ARN', 'arn:aws:iam::123456789012:role/r')
    vi.stubEnv('AWS_ENDPOINT_URL_STS', other.endpoint)
    vi.stubEnv('AWS_REGION', 'us-west-2')
    expect((await list()).headers).toMatchObject(signedBy('WEB', 'web-token'))
    expect(other.requests[0]!.body.toString()).toContain('WebIdentityToken=some.jwt.text')
  })

  test('replicas of one account ask for credentials once', async () => {
    other = await startScriptedHttp((_, response) =>
      response.end(JSON.stringify({ AccessKeyId: 'ECS', SecretAccessKey: 's', Token: 't', Expiration: inOneHour() })),
    )
    vi.stubEnv('AWS_CONTAINER_CREDENTIALS_FULL_URI', `${other.endpoint}/creds`)
    const urls = [1, 2, 3].map((n) => `s3://bkt/${n}?endpoint=${s3.endpoint}`)
    const clients = await Promise.all(urls.map((url) => openReplica(url)))
    await Promise.all(clients.map((client) => listAll(client as never, 0)))
    await Promise.all(clients.map((client) => client.close()))
    expect(s3.requests).toHaveLength(3)
    expect(other.requests).toHaveLength(1)
  })
})

test('a proxy of the environment gets the requests', async () => {
  const env = { AWS_ACCESS_KEY_ID: 'ENV', AWS_SECRET_ACCESS_KEY: 'secret', http_proxy: s3.endpoint }
  const client = await openReplica('s3://bkt/app?endpoint=http://s3.invalid', { env })
  expect(await listAll(client as never, 0)).toEqual([])
  await client.close()
  expect(s3.requests[0]).toMatchObject({ method: 'GET', headers: { host: 's3.invalid' } })
})

describe('the region (facts 2.4)', () => {
  beforeEach(() => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'ENV')
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret')
  })
  const regionIn = ({ headers }: ScriptedRequest): string | undefined =>
    /Credential=[^/]+\/\d+\/([^/]+)\//.exec(headers.authorization ?? '')?.[1]

  test('given', async () => {
    expect(regionIn(await list())).toBe('us-west-2')
  })

  test('us-east-1 for another server', async () => {
    expect(regionIn(await list(`s3://bkt/app?endpoint=${s3.endpoint}`))).toBe('us-east-1')
  })

  test.each<[string, (response: ServerResponse) => void, string]>([
    ['as AWS says it', (response) => location(response), 'eu-central-1'],
    [
      'of Ireland',
      (response) => response.end(`<LocationConstraint xmlns="${NAMESPACE}">EU</LocationConstraint>`),
      'eu-west-1',
    ],
    [
      'of Virginia, which is not named',
      (response) => response.end(`<LocationConstraint xmlns="${NAMESPACE}"/>`),
      'us-east-1',
    ],
    [
      'told to those who may not ask',
      (response) => response.writeHead(403, { 'x-amz-bucket-region': 'ap-south-1' }).end(),
      'ap-south-1',
    ],
  ])('asked for once where there is no endpoint: %s', async (_, answer, region) => {
    const asAWS = location
    location = (response) => {
      location = asAWS
      answer(response)
    }
    vi.stubEnv('AWS_ENDPOINT_URL_S3', s3.endpoint)
    const client = await openReplica('s3://bkt/app')
    await listAll(client as never, 0)
    await listAll(client as never, 1)
    await client.close()
    expect(s3.requests.map(({ url }) => url.includes('location'))).toEqual([true, false, false])
    expect(s3.requests.map(regionIn)).toEqual(['us-east-1', region, region])
  })
})
