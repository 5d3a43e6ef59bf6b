import type { ServerResponse } from 'node:http'
import { afterEach, describe, expect, test } from 'vitest'
import { encodeCatalog, type ReplicaClient, readAll } from '../../storage/index.ts'
import { openWebReplica, type WebReplicaOptions } from '../../storage/web.ts'
import { type ScriptedRequest, type ScriptedServer, s3ErrorReply, startScriptedHttp } from '../servers/scripted-http.ts'
import { listAll, ltxBytes, name, ranges, TIMESTAMP } from './ltx-bytes.ts'

const servers: ScriptedServer[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close()
})

type Answer = (request: ScriptedRequest, response: ServerResponse) => void

async function serve(answer: Answer): Promise<ScriptedServer> {
  const server = await startScriptedHttp(answer)
  servers.push(server)
  return server
}

/** Sends what is for a real host to a server of the test, and tells what it would have been. */
function diverted(server: ScriptedServer): { fetch: typeof fetch; asked: string[] } {
  const asked: string[] = []
  return {
    asked,
    fetch: (input, init) => {
      const url = new URL(String(input))
      asked.push(url.href)
      return fetch(server.endpoint + url.pathname + url.search, init)
    },
  }
}

const fileName = (n: number): string => `${`${n}`.padStart(16, '0')}-${`${n}`.padStart(16, '0')}.ltx`

function rangeReply(request: ScriptedRequest, response: ServerResponse): void {
  const bytes = ltxBytes({ min: 1, size: 1001 })
  const [, start, end] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range!)!
  const body = bytes.subarray(Number(start), Number(end) + 1)
  response.writeHead(206, { 'content-range': `bytes ${start}-${end}/1001`, 'content-length': body.length }).end(body)
}

/** A page as Azurite 3.37.0 has answered, but for its times and checksums; the format is that of "List Blobs". */
function azurePage(numbers: readonly number[], next: string): string {
  const blobs = numbers.map(
    (n) =>
      `<Blob><Name>a b/ltx/0/${fileName(n)}</Name><Properties><Creation-Time>Wed, 25 Nov 2026 17:05:54 GMT</Creation-Time>` +
      '<Last-Modified>Wed, 25 Nov 2026 17:05:54 GMT</Last-Modified><Etag>0x1E8C28F28898100</Etag>' +
      `<Content-Length>${1000 + n}</Content-Length><Content-Type>application/octet-stream</Content-Type>` +
      '<Content-MD5>A2wMW0EyiiA9Vnn/ll3QzA==</Content-MD5><BlobType>BlockBlob</BlobType><LeaseStatus>unlocked</LeaseStatus>' +
      '<LeaseState>available</LeaseState><ServerEncrypted>true</ServerEncrypted><AccessTier>Hot</AccessTier></Properties></Blob>',
  )
  return (
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?><EnumerationResults ' +
    'ServiceEndpoint="http://127.0.0.1:11000/devstoreaccount1" ContainerName="private"><Prefix>a b/ltx/0/</Prefix>' +
    `<Marker/><MaxResults>2</MaxResults><Blobs>${blobs.join('')}` +
    `<Blob><Name>a b/ltx/0/&lt;&amp;'"&gt;.txt</Name><Properties><Last-Modified>Wed, 25 Nov 2026 17:05:54 GMT</Last-Modified>` +
    `<Content-Length>1</Content-Length></Properties></Blob></Blobs>${next ? `<NextMarker>${next}</NextMarker>` : '<NextMarker/>'}` +
    '</EnumerationResults>'
  )
}

/** Two pages, then files. */
const azure: Answer = (request, response) => {
  const { pathname, searchParams } = new URL(request.url, 'http://h')
  if (searchParams.get('comp') !== 'list') {
    if (pathname.endsWith(fileName(1))) return rangeReply(request, response)
    return azureError(response, 404, 'BlobNotFound')
  }
  const marker = `a b/ltx/0/${fileName(2)}`
  // With a byte order mark, as the real service has it.
  response.end(`\ufeff${searchParams.get('marker') === marker ? azurePage([3], '') : azurePage([1, 2], marker)}`)
}

function azureError(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { 'x-ms-error-code': code, 'content-type': 'application/xml' })
  response.end(
    `\ufeff<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<Error>\n  <Code>${code}</Code>\n  <Message>Something.\n` +
      'RequestId:68867b76-8076-4981-a592-634cdc6c9864\nTime:2026-11-25T17:05:54.258Z</Message>\n</Error>',
  )
}

async function checkAzure(client: ReplicaClient): Promise<void> {
  expect(await listAll(client, 0)).toEqual(
    [1, 2, 3].map((n) => ({ ...name(0, n), size: 1000 + n, createdAt: Date.parse('2026-11-25T17:05:54Z') })),
  )
  expect(ranges(await listAll(client, 0, 2n))).toEqual(['2-2', '3-3'])
  const bytes = ltxBytes({ min: 1, size: 1001 })
  expect(await readAll((await client.open(name(0, 1), { offset: 10, size: 20 }))!)).toEqual(bytes.subarray(10, 30))
  expect(await client.open(name(0, 9))).toBeUndefined()
}

describe('Azure', () => {
  test('abs:// with a SAS token: pages by marker, the token as it is spelt', async () => {
    const { asked, fetch } = diverted(await serve(azure))
    const sasToken = '?sv=2026-04-06&sp=rl&sig=a%2Bb%2Fc%3D'
    const client = await openWebReplica('abs://account@private/a b', { fetch, abs: { sasToken } })
    expect(client.url).toBe('abs://account@private/a b')
    await checkAzure(client)
    const root = 'https://account.blob.core.windows.net/private'
    const list = `${root}${sasToken}&restype=container&comp=list&prefix=a%20b%2Fltx%2F0%2F`
    expect(asked.slice(0, 2)).toEqual([list, `${list}&marker=a%20b%2Fltx%2F0%2F${fileName(2)}`])
    expect(asked.at(-1)).toBe(`${root}/a%20b/ltx/0/${fileName(9)}${sasToken}`)
    expect(servers[0]!.requests.some(({ headers }) => 'x-ms-version' in headers)).toBe(false)
  })

  test('abs:// of a public container, at an emulator: a version is named, for the oldest knows no open ranges', async () => {
    const server = await serve(azure)
    const abs = { endpoint: `${server.endpoint}/devstoreaccount1` }
    await checkAzure(await openWebReplica('abs://devstoreaccount1@private/a b', { abs }))
    for (const { headers, url } of server.requests) {
      expect(headers['x-ms-version']).toBe('2021-12-02')
      expect(url).toMatch(/^\/devstoreaccount1\/private[/?]/)
    }
  })

  test.each([
    ['?sv=2026-04-06&sig=x', undefined],
    ['', '2021-12-02'],
  ])('https:// of a container without a catalog is listed (%j)', async (query, version) => {
    const server = await serve(azure)
    const { asked, fetch } = diverted(server)
    const url = 'https://account.blob.core.windows.net/private/a%20b'
    const client = await openWebReplica(url + query, { fetch })
    expect(asked).toEqual([`${url}/litetap/catalog.json${query}`])
    expect(client).toMatchObject({ type: 'http', url, listAll: undefined })
    await checkAzure(client)
    expect(new Set(server.requests.map(({ headers }) => headers['x-ms-version']))).toEqual(new Set([version]))
  })

  test('https:// of a container with a catalog is not', async () => {
    const file = { ...name(0, 1), size: 1001, createdAt: TIMESTAMP }
    const server = await serve((request, response) => {
      if (!request.url.includes('catalog.json')) return rangeReply(request, response)
      if (request.headers['if-none-match'] === '"1"') response.writeHead(304).end()
      else response.writeHead(200, { etag: '"1"' }).end(encodeCatalog({ layout: 'ltx', files: [file] }))
    })
    const client = await openWebReplica('https://account.blob.core.windows.net/c/p', diverted(server))
    expect(await client.listAll!()).toEqual([file])
    expect(server.requests.map(({ headers }) => headers['if-none-match'])).toEqual([undefined, '"1"'])
  })

  test.each([
    [403, 'AuthorizationFailure', 'STORAGE_ACCESS_DENIED', 'the SAS token is missing, wrong or expired'],
    [403, 'AuthenticationFailed', 'STORAGE_BAD_CREDENTIALS', 'the SAS token is damaged or has expired'],
    [403, 'AuthorizationPermissionMismatch', 'STORAGE_ACCESS_DENIED', 'read and list (sp=rl)'],
    [404, 'ContainerNotFound', 'STORAGE_NO_BUCKET', 'there is no container private at http'],
    [404, 'ResourceNotFound', 'STORAGE_ACCESS_DENIED', 'without a SAS token; give one, or make it public'],
    [409, 'PublicAccessNotPermitted', 'STORAGE_ACCESS_DENIED', 'give a SAS token'],
    [503, 'ServerBusy', 'STORAGE_THROTTLED', 'slow down'],
  ])('%i %s is %s', async (status, said, code, words) => {
    const server = await serve((_, response) => azureError(response, status, said))
    const client = await openWebReplica('abs://a@private/p', { abs: { endpoint: server.endpoint } })
    for (const call of [() => listAll(client, 0), () => client.open(name(0, 1))]) {
      const error = await call().then(
        () => expect.fail('it succeeded'),
        (reason) => reason,
      )
      expect(error).toMatchObject({ code, retryable: status === 503, at: { status } })
      expect(error.message).toContain(words)
      expect(error.message).toMatch(new RegExp(`abs://a@private/p/ltx/0/.* \\(${status}, ${said}, Something\\.\\)$`))
    }
  })

  test('without an account it cannot be known where it is', async () => {
    await expect(openWebReplica('abs://c/p')).rejects.toMatchObject({ code: 'STORAGE_BAD_URL' })
  })
})

/** As in Google's documentation of the XML API's "List Objects". */
function googlePage(numbers: readonly number[], next: string): string {
  const contents = numbers.map(
    (n) =>
      `<Contents><Key>app/ltx/0/${fileName(n)}</Key><Generation>1360887697105000</Generation><MetaGeneration>1</MetaGeneration>` +
      `<LastModified>2013-02-15T00:21:37.133Z</LastModified><ETag>"5d41402abc4b2a76b9719d911017c592"</ETag><Size>${1000 + n}</Size></Contents>`,
  )
  return (
    "<?xml version='1.0' encoding='utf-8'?><ListBucketResult xmlns='http://doc.s3.amazonaws.com/2006-03-01'>" +
    `<Name>bucket</Name><Prefix>app/ltx/0/</Prefix><KeyCount>${numbers.length}</KeyCount>` +
    (next
      ? `<NextContinuationToken>${next}</NextContinuationToken><IsTruncated>true</IsTruncated>`
      : '<IsTruncated>false</IsTruncated>') +
    `${contents.join('')}</ListBucketResult>`
  )
}

const google: Answer = (request, response) => {
  const { pathname, searchParams } = new URL(request.url, 'http://h')
  if (searchParams.get('list-type') !== '2') {
    if (pathname.endsWith(fileName(1))) return rangeReply(request, response)
    return s3ErrorReply(response, 404, 'NoSuchKey')
  }
  const from = searchParams.get('start-after') ?? ''
  if (searchParams.get('continuation-token') === 'CgE=/+') response.end(googlePage([3], ''))
  else if (from) response.end(googlePage([2, 3], ''))
  else response.end(googlePage([1, 2], 'CgE=/+'))
}

describe('Google', () => {
  const expectedFiles = ['1-1', '2-2', '3-3']

  test.each(['gs://bucket/app', 'https://storage.googleapis.com/bucket/app'])(
    '%s is listed by the XML API',
    async (url) => {
      const { asked, fetch } = diverted(await serve(google))
      const client = await openWebReplica(url, { fetch })
      const before = asked.length
      expect(ranges(await listAll(client, 0))).toEqual(expectedFiles)
      expect(ranges(await listAll(client, 0, 2n))).toEqual(['2-2', '3-3'])
      const list = 'https://storage.googleapis.com/bucket?list-type=2&prefix=app%2Fltx%2F0%2F'
      expect(asked.slice(before)).toEqual([
        list,
        `${list}&continuation-token=CgE%3D%2F%2B`,
        `${list}&start-after=app%2Fltx%2F0%2F0000000000000002`,
      ])
      const bytes = ltxBytes({ min: 1, size: 1001 })
      expect(await readAll((await client.open(name(0, 1), { offset: 10, size: 20 }))!)).toEqual(bytes.subarray(10, 30))
      expect(await client.open(name(0, 9))).toBeUndefined()
      expect(client.listAll).toBeUndefined()
    },
  )

  test('an endpoint of another name', async () => {
    const server = await serve(google)
    const client = await openWebReplica('gs://bucket/app', { gs: { endpoint: server.endpoint } })
    expect(ranges(await listAll(client, 0))).toEqual(expectedFiles)
  })

  test('a catalog that may not be seen is none: the listing says what is wrong', async () => {
    const server = await serve((_, response) => s3ErrorReply(response, 403, 'AccessDenied'))
    const client = await openWebReplica('https://storage.googleapis.com/bucket/app', diverted(server))
    await expect(listAll(client, 0)).rejects.toMatchObject({
      code: 'STORAGE_ACCESS_DENIED',
      message: expect.stringMatching(/^Cannot list https:\/\/storage\.googleapis\.com\/bucket\/app\/ltx\/0\//),
    })
  })

  test('a catalog that cannot be asked for is not taken for none', async () => {
    const server = await serve((_, response) => s3ErrorReply(response, 503, 'SlowDown'))
    const opening = openWebReplica('https://storage.googleapis.com/bucket/app', diverted(server))
    await expect(opening).rejects.toMatchObject({ code: 'STORAGE_THROTTLED', retryable: true })
  })

  test('without a bucket', async () => {
    await expect(openWebReplica('https://storage.googleapis.com/')).rejects.toMatchObject({ code: 'STORAGE_BAD_URL' })
  })
})

describe('S3', () => {
  const list = (url: string, options: WebReplicaOptions = {}): Promise<string[]> => addresses(url, options)

  async function addresses(url: string, options: WebReplicaOptions): Promise<string[]> {
    const { asked, fetch } = diverted(
      await serve((_, response) =>
        response.end('<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>'),
      ),
    )
    await listAll(await openWebReplica(url, { ...options, fetch }), 0)
    return asked
  }

  test.each([
    ['s3://bucket/p', 'https://bucket.s3.amazonaws.com/'],
    ['s3://bucket/p?region=eu-west-1', 'https://bucket.s3.eu-west-1.amazonaws.com/'],
    ['s3://bucket/p?region=cn-north-1', 'https://bucket.s3.cn-north-1.amazonaws.com.cn/'],
    ['s3://b.c/p?region=eu-west-1', 'https://s3.eu-west-1.amazonaws.com/b.c'],
    ['s3://bucket/p?forcePathStyle=true&region=r', 'https://s3.r.amazonaws.com/bucket'],
    ['s3://bucket/p?endpoint=https://a.r2.cloudflarestorage.com', 'https://a.r2.cloudflarestorage.com/bucket'],
    ['s3://bucket/p?endpoint=https://x.example&forcePathStyle=false', 'https://bucket.x.example/'],
    ['s3://b.fra1.digitaloceanspaces.com/p', 'https://b.fra1.digitaloceanspaces.com/'],
    ['s3://b.s3.us-west-000.backblazeb2.com/p', 'https://s3.us-west-000.backblazeb2.com/b'],
  ])('%s is at %s', async (url, address) => {
    expect(await list(url)).toEqual([`${address}?list-type=2&prefix=p%2F0000%2F`])
  })

  test('options win over the URL', async () => {
    const s3 = { endpoint: 'http://localhost:9000', region: 'r' }
    const [address] = await list('s3://bucket/p?endpoint=https://x.example', { s3 })
    expect(address).toMatch(/^http:\/\/localhost:9000\/bucket\?/)
  })

  test('a path of nothing has keys that begin with a slash', async () => {
    expect(await list('s3://bucket/')).toEqual(['https://bucket.s3.amazonaws.com/?list-type=2&prefix=%2F0000%2F'])
  })

  test.each([
    ['s3://bucket', 'its keys begin with ./'],
    ['s3://arn:aws:s3:eu-west-1:123456789012:accesspoint/logs/p', 'access points'],
    ['s3://bucket/p?sseCustomerKey=hunter2', 'customer keys'],
    ['s3://bucket/p?skip-verify=true', 'certificates'],
    ['s3://bucket/p?endpoint=http://user:hunter2@localhost:1', 'its endpoint must be a host or URL'],
  ])('%s is refused: %s', async (url, words) => {
    const error = await openWebReplica(url).then(
      () => expect.fail('it succeeded'),
      (reason) => reason,
    )
    expect(error).toMatchObject({ code: 'STORAGE_BAD_URL', retryable: false })
    expect(error.message).toContain(words)
    expect(error.message).not.toContain('hunter2')
  })

  test.each([
    [301, 'PermanentRedirect', 'STORAGE_WRONG_REGION', false],
    [400, 'AuthorizationHeaderMalformed', 'STORAGE_WRONG_REGION', false],
    [403, 'RequestTimeTooSkewed', 'STORAGE_CLOCK_SKEW', false],
    [403, 'ExpiredToken', 'STORAGE_BAD_CREDENTIALS', false],
    [404, 'NoSuchBucket', 'STORAGE_NO_BUCKET', false],
    [503, 'SlowDown', 'STORAGE_THROTTLED', true],
  ])('%i %s is %s', async (status, said, code, retryable) => {
    const server = await serve((_, response) => s3ErrorReply(response, status, said))
    const client = await openWebReplica(`s3://bucket/p?endpoint=${server.endpoint}`)
    for (const call of [() => listAll(client, 0), () => client.open(name(0, 1))]) {
      await expect(call()).rejects.toMatchObject({ code, retryable, at: { status } })
    }
  })

  const page = (numbers: readonly number[], more: string): string =>
    `<ListBucketResult>${numbers
      .map(
        (n) =>
          `<Contents><Key>p/0000/${fileName(n)}</Key><LastModified>2026-01-01T00:00:00Z</LastModified><Size>1</Size></Contents>`,
      )
      .join('')}${more}</ListBucketResult>`

  test('the second page is asked for by its token alone', async () => {
    const more = '<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>'
    const server = await serve(({ url }, response) =>
      response.end(url.includes('token') ? page([3], '<IsTruncated>false</IsTruncated>') : page([2], more)),
    )
    const client = await openWebReplica(`s3://bucket/p?endpoint=${server.endpoint}`)
    expect(ranges(await listAll(client, 0, 2n))).toEqual(['2-2', '3-3'])
    const list = '/bucket?list-type=2&prefix=p%2F0000%2F'
    expect(server.requests.map(({ url }) => url)).toEqual([
      `${list}&start-after=p%2F0000%2F0000000000000002`,
      `${list}&continuation-token=t`,
    ])
  })

  test.each([
    ['goes on with no token', page([1], '<IsTruncated>true</IsTruncated>'), 'has no new continuation token'],
    [
      'goes on with the same token',
      page([], '<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>'),
      'has no new continuation token',
    ],
    ['is out of order', page([2, 1], '<IsTruncated>false</IsTruncated>'), 'does not list in ascending order'],
    ['is another document', '<Error><Code>x</Code></Error>', '<Error> is not what a listing looks like'],
    [
      'is cut short',
      page([1], '<IsTruncated>false</IsTruncated>').slice(0, -'</ListBucketResult>'.length),
      'it is cut short',
    ],
    ['is no XML', 'hello', 'is it such a store?'],
  ])('a listing that %s is an error', async (_, body, words) => {
    const server = await serve((_, response) => response.end(body))
    const client = await openWebReplica(`s3://bucket/p?endpoint=${server.endpoint}`)
    await expect(listAll(client, 0)).rejects.toMatchObject({
      code: 'STORAGE_BAD_REPLY',
      retryable: false,
      message: expect.stringMatching(new RegExp(`^Cannot list s3://bucket/p/0000/: .*${words}`)),
    })
  })
})
