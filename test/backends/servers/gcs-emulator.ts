import { mkdtempSync, rmSync } from 'node:fs'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureNpmPackages } from '../../servers/ensure-npm-packages.ts'

/** Google's own storage emulator, from firebase-tools, with what it lacks put before it. */
export interface GcsEmulator {
  readonly port: number
  readonly endpoint: string
  /** Every request so far: method, and path with its query. It may be emptied. */
  readonly requests: { readonly method: string; readonly url: string }[]
  stop(): Promise<void>
}

export interface GcsOptions {
  /** Requests must carry it; default: none need to. */
  readonly token?: string
}

/** What is used of the emulator's inside, as it is in the pinned version. */
interface Inside {
  readonly adminStorageLayer: {
    getObject(object: { bucketId: string; decodedObjectId: string }): Promise<{ metadata: { generation: number } }>
    uploadObject(upload: Upload): Promise<object>
  }
  readonly uploadService: {
    getResumableUpload(id: string): Upload
    continueResumableUpload(id: string, bytes: Buffer): Upload
    finalizeResumableUpload(id: string): Upload
    cancelResumableUpload(id: string): Upload
  }
}

interface Upload {
  readonly size: number
  readonly status: string
}

/**
 * Start the emulator in this process. It has neither credentials, conditions on generations, `startOffset` nor uploads in
 * parts: those are ours, after Google's documentation, so they prove our client against that, not against Google.
 */
export async function startGcsEmulator(options: GcsOptions = {}): Promise<GcsEmulator> {
  await ensureNpmPackages(import.meta.dirname)
  const dir = mkdtempSync(join(tmpdir(), 'gcs-'))
  const { inside, app, announce, metadataOf } = await loadEmulator(dir)
  const requests: { method: string; url: string }[] = []
  const front = new Front({ inside, app, metadataOf, token: options.token })
  const server = createServer((request, response) => {
    requests.push({ method: request.method ?? '', url: request.url ?? '' })
    front.answer(request, response).catch((error) => json(response, 500, refusal(500, 'backendError', String(error))))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  announce(port)
  return {
    port,
    endpoint: `http://127.0.0.1:${port}`,
    requests,
    stop: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

async function loadEmulator(dir: string) {
  const require = createRequire(join(import.meta.dirname, 'package.json'))
  const root = join(import.meta.dirname, 'node_modules/firebase-tools/lib/emulator')
  const { StorageEmulator } = require(`${root}/storage/index.js`)
  const { createApp } = require(`${root}/storage/server.js`)
  const { EmulatorRegistry } = require(`${root}/registry.js`)
  const metadata = require(`${root}/storage/metadata.js`)
  // Else all instances share one folder.
  StorageEmulator.prototype.getPersistenceTmpDir = () => dir
  const rules = { name: 'storage.rules', content: '' }
  const emulator = new StorageEmulator({ projectId: 'demo-test', host: '127.0.0.1', port: 0, rules })
  const app: RequestListener = await createApp('demo-test', emulator)
  const announce = (port: number): void => {
    emulator.getInfo = () => ({ name: 'storage', host: '127.0.0.1', port })
    EmulatorRegistry.INSTANCES.set('storage', emulator)
  }
  const metadataOf = (stored: object): object => new metadata.CloudStorageObjectMetadata(stored)
  return { inside: emulator as Inside, app, announce, metadataOf }
}

class Front {
  readonly #inside: Inside
  readonly #app: RequestListener
  readonly #token: string | undefined
  readonly #metadataOf: (stored: object) => object
  /** The last request of each object that changes it, or has a condition: they take turns. */
  readonly #turns = new Map<string, Promise<unknown>>()
  /** Stored objects of uploads that are finished. */
  readonly #finished = new Map<string, object>()
  #lastGeneration = 0

  constructor(options: {
    readonly inside: Inside
    readonly app: RequestListener
    readonly metadataOf: (stored: object) => object
    readonly token: string | undefined
  }) {
    this.#inside = options.inside
    this.#app = options.app
    this.#metadataOf = options.metadataOf
    this.#token = options.token
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.#token !== undefined && request.headers.authorization !== `Bearer ${this.#token}`) {
      return json(response, 401, refusal(401, 'authError', 'Invalid Credentials'))
    }
    const url = new URL(request.url ?? '/', 'http://emulator')
    const place = /\/b\/([^/]+)\/o(?:\/([^/]+))?$/.exec(url.pathname)
    const bucket = place?.[1] && decodeURIComponent(place[1])
    const object = place?.[2] ? decodeURIComponent(place[2]) : url.searchParams.get('name')
    if (request.method === 'GET' && bucket && place?.[2] === undefined) return this.#list(url, request, response)
    if (!bucket || !object || (request.method === 'GET' && !url.searchParams.has('ifGenerationMatch'))) {
      return void this.#app(request, response)
    }
    await this.#inTurn(`${bucket}/${object}`, async () => {
      const over = new Promise<void>((resolve) => response.once('close', resolve))
      await this.#change({ bucket, object, url }, request, response)
      await over
    })
  }

  async #change(
    { bucket, object, url }: { readonly bucket: string; readonly object: string; readonly url: URL },
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const wanted = url.searchParams.get('ifGenerationMatch')
    const upload = url.searchParams.get('upload_id')
    const isQuery = /^bytes \*\//.test(request.headers['content-range'] ?? '')
    if (wanted !== null && !(upload && isQuery) && wanted !== (await this.#generation(bucket, object))) {
      request.resume()
      const message = 'At least one of the pre-conditions you specified did not hold.'
      return json(response, 412, refusal(412, 'conditionNotMet', message))
    }
    if (upload) return await this.#part(upload, request, response)
    // The emulator's generation is the time in ms: two writes must not have the same.
    while (Date.now() <= this.#lastGeneration) await new Promise((resolve) => setTimeout(resolve, 1))
    this.#lastGeneration = Date.now()
    // The emulator forgets the condition of an upload that is begun; its address remembers it.
    const setHeader = response.setHeader.bind(response)
    response.setHeader = (name, value) =>
      setHeader(
        name,
        wanted !== null && /^location$/i.test(name) ? `${value}&ifGenerationMatch=${wanted}` : (value as string),
      )
    this.#app(request, response)
  }

  /** A part of an upload, the question how far it is, or its end by DELETE. */
  async #part(id: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const { uploadService, adminStorageLayer } = this.#inside
    if (request.method === 'DELETE') {
      uploadService.cancelResumableUpload(id)
      return void response.writeHead(499).end()
    }
    const finished = this.#finished.get(id)
    if (finished) return json(response, 200, finished)
    const range = /^bytes (?:(\d+)-(\d+)|\*)\/(\d+|\*)$/.exec(request.headers['content-range'] ?? '')
    if (!range) return json(response, 400, refusal(400, 'invalid', 'no Content-Range'))
    const { size } = uploadService.getResumableUpload(id)
    const bytes = Buffer.concat(chunks)
    const start = Number(range[1] ?? size)
    if (start > size) return json(response, 503, refusal(503, 'backendError', 'a part is missing'))
    const upload = uploadService.continueResumableUpload(id, bytes.subarray(size - start))
    if (range[3] === '*' || upload.size < Number(range[3])) {
      return void response.writeHead(308, upload.size > 0 ? { range: `bytes=0-${upload.size - 1}` } : {}).end()
    }
    const stored = this.#metadataOf(await adminStorageLayer.uploadObject(uploadService.finalizeResumableUpload(id)))
    this.#finished.set(id, stored)
    json(response, 200, stored)
  }

  /** `startOffset`, applied after paging: a page may come back short, as Google says it may. */
  #list(url: URL, request: IncomingMessage, response: ServerResponse): void {
    const from = url.searchParams.get('startOffset')
    if (from === null) return void this.#app(request, response)
    const end = response.end.bind(response)
    let body = ''
    response.end = ((chunk?: Buffer | string) => {
      body += chunk ?? ''
      const page = JSON.parse(body) as { items?: { name: string }[] }
      page.items &&= page.items.filter(({ name }) => name >= from)
      const text = JSON.stringify(page)
      response.setHeader('content-length', Buffer.byteLength(text))
      return end(text)
    }) as typeof response.end
    this.#app(request, response)
  }

  async #generation(bucketId: string, decodedObjectId: string): Promise<string> {
    try {
      const { metadata } = await this.#inside.adminStorageLayer.getObject({ bucketId, decodedObjectId })
      return String(metadata.generation)
    } catch {
      return '0'
    }
  }

  async #inTurn(key: string, work: () => Promise<void>): Promise<void> {
    const turn = (this.#turns.get(key) ?? Promise.resolve()).then(work, work)
    this.#turns.set(key, turn)
    await turn.catch(() => {})
  }
}

function json(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

function refusal(code: number, reason: string, message: string): object {
  return { error: { code, message, errors: [{ domain: 'global', reason, message }] } }
}
