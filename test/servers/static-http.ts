import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { join, normalize } from 'node:path'
import { type ScriptedRequest, type ScriptedServer, startScriptedHttp } from './scripted-http.ts'

export interface StaticReply {
  status: number
  headers: Record<string, string>
  body: Buffer
}

/** Changes what is answered; undefined: it has answered by itself. */
export type Misbehaviour = (
  reply: StaticReply,
  request: ScriptedRequest,
  response: ServerResponse,
) => StaticReply | undefined

export interface StaticServer extends ScriptedServer {
  /** What the server does wrong from now on. Default: nothing. */
  misbehave(how?: Misbehaviour): void
}

/**
 * A web server that serves a folder as good static hosts do: ranges, 416, strong ETags, 304, 404.
 * @param make what is there beside the folder's files, made anew at each request
 */
export async function startStaticHttp(
  root: string,
  make: (path: string) => Promise<Uint8Array> | undefined = () => undefined,
): Promise<StaticServer> {
  let how: Misbehaviour = (reply) => reply
  const server = await startScriptedHttp(async (request, response) => {
    const path = normalize(decodeURIComponent(request.url.split('?')[0]!))
    const bytes = await (make(path) ?? readFile(join(root, path))).catch(() => undefined)
    const body = bytes && Buffer.from(bytes)
    const reply = how(answer(body, request), request, response)
    if (!reply) return
    const length = String(reply.body.length)
    response.writeHead(reply.status, { 'content-length': length, ...reply.headers })
    response.end(reply.status === 304 ? undefined : reply.body)
  })
  return Object.assign(server, {
    misbehave: (next: Misbehaviour = (reply) => reply) => {
      how = next
    },
  })
}

function answer(body: Buffer | undefined, { headers }: ScriptedRequest): StaticReply {
  const nothing = Buffer.alloc(0)
  if (!body) return { status: 404, headers: {}, body: Buffer.from('not found') }
  const etag = `"${createHash('md5').update(body).digest('hex')}"`
  const own = { etag, 'accept-ranges': 'bytes', 'content-type': 'application/octet-stream' }
  if (headers['if-none-match'] === etag) return { status: 304, headers: { etag }, body: nothing }
  const range = /^bytes=(\d+)-(\d*)$/.exec(headers.range ?? '')
  if (!range) return { status: 200, headers: own, body }
  const start = Number(range[1])
  const end = Math.min(range[2] ? Number(range[2]) : body.length - 1, body.length - 1)
  if (start >= body.length) {
    return { status: 416, headers: { 'content-range': `bytes */${body.length}` }, body: nothing }
  }
  const contentRange = `bytes ${start}-${end}/${body.length}`
  return { status: 206, headers: { ...own, 'content-range': contentRange }, body: body.subarray(start, end + 1) }
}
