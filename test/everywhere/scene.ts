import { createReadStream } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { extname, join, normalize } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { formatTXID } from '../../ltx/index.ts'
import { listLevels } from '../../replica/index.ts'
import { encodeCatalog, openReplica, type ReplicaClient } from '../../storage/node.ts'
import { Replicator } from '../../writer/index.ts'
import { SURFACE_DATABASE, SURFACE_QUERIES } from '../support/surface.ts'
import { type Report, rowsText } from './report.ts'
import type { Advanced, Answered, SceneData } from './scene-data.ts'
import { DEEP_QUERIES, GROWING_QUERY, STREAM_QUERIES } from './suspended-queries.ts'

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.wasm': 'application/wasm',
  '.json': 'application/json',
}

/** A live primary, its replica in a folder, and a web server that has both the replica and the pages that read it. */
export interface Scene {
  /** `http://127.0.0.1:port`. */
  readonly origin: string
  /** The next report that a page posts to `/report?id=...`. */
  reportOf(id: string): Promise<Report>
  close(): Promise<void>
}

/** @param files the folder that is served below `/files/` */
export async function startScene(files: string): Promise<Scene> {
  const dir = await mkdtemp(join(tmpdir(), 'litetap-everywhere-'))
  const primary = await startPrimary(dir)
  const reports = new Map<string, PromiseWithResolvers<Report>>()
  const reportOf = (id: string): PromiseWithResolvers<Report> => {
    const known = reports.get(id) ?? Promise.withResolvers<Report>()
    reports.set(id, known)
    return known
  }
  const routes: Routes = {
    'GET /scene.json': async (_, reply) => json(reply, primary.data),
    'POST /advance': async (_, reply) => json(reply, await primary.advance()),
    'POST /report': async (request, reply, url) => {
      reportOf(url.searchParams.get('id') ?? '').resolve(JSON.parse(await textOf(request)) as Report)
      json(reply, {})
    },
    'GET /app/litetap/catalog.json': async (_, reply) => {
      const levels = await listLevels(primary.client)
      reply.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-cache' })
      reply.end(encodeCatalog({ layout: 'ltx', files: levels.flat() }))
    },
  }
  const folders = { '/app/': primary.replicaDir, '/files/': files }
  const server = createServer((request, reply) => {
    serve(request, reply, routes, folders).catch(() => {
      if (!reply.headersSent) reply.writeHead(500)
      reply.end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    reportOf: (id) => reportOf(id).promise,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await primary.close()
      await rm(dir, { recursive: true, force: true })
    },
  }
}

interface Primary {
  readonly client: ReplicaClient
  readonly replicaDir: string
  readonly data: SceneData
  /** Commit one more row, and wait until the replica has it. */
  advance(): Promise<Advanced>
  close(): Promise<void>
}

/** Everything SQLite has in one database, and a table that grows with each transaction. */
async function startPrimary(dir: string): Promise<Primary> {
  const path = join(dir, 'app.db')
  const replicaDir = join(dir, 'bucket')
  await mkdir(replicaDir)
  const app = new DatabaseSync(path)
  app.exec(SURFACE_DATABASE)
  app.exec('PRAGMA journal_mode = wal; CREATE TABLE moments (id INTEGER PRIMARY KEY, at TEXT)')
  const client = await openReplica(pathToFileURL(replicaDir).href)
  // The older states are asked for by the last runtime, too, which may be half an hour later.
  const settings = { l0RetentionMs: 24 * 3_600_000 }
  const replicator = new Replicator({ dbPath: path, client, settings })
  await replicator.start()
  const advance = async (): Promise<Advanced> => {
    app.exec("INSERT INTO moments (at) VALUES (datetime('now'))")
    const txid = formatTXID(await replicator.flush())
    return { txid, moments: app.prepare('SELECT count(*) AS n FROM moments').get()!.n as number }
  }
  const past: Advanced[] = []
  for (let i = 0; i < 12; i++) past.push(await advance())
  const answered = (sql: string): Answered => {
    const statement = app.prepare(sql)
    return { sql, rows: rowsText(statement.all().map((row) => ({ ...row }))) }
  }
  const data: SceneData = {
    queries: SURFACE_QUERIES.map(answered),
    deep: DEEP_QUERIES.map(answered),
    growing: answered(GROWING_QUERY),
    streams: STREAM_QUERIES.map(answered),
    past,
  }
  return {
    client,
    replicaDir,
    data,
    advance,
    close: async () => {
      await replicator.close()
      await client.close()
      app.close()
    },
  }
}

type Routes = Readonly<
  Record<string, (request: IncomingMessage, reply: ServerResponse, url: URL) => Promise<void> | void>
>

async function serve(
  request: IncomingMessage,
  reply: ServerResponse,
  routes: Routes,
  folders: Readonly<Record<string, string>>,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://localhost')
  const route = routes[`${request.method} ${url.pathname}`]
  if (route) return await route(request, reply, url)
  const [prefix, folder] = Object.entries(folders).find(([each]) => url.pathname.startsWith(each)) ?? []
  if (prefix === undefined || folder === undefined) return void reply.writeHead(404).end()
  const path = join(folder, normalize(`/${decodeURIComponent(url.pathname.slice(prefix.length))}`))
  const found = await stat(path).catch(() => undefined)
  if (!found?.isFile()) return void reply.writeHead(404).end()
  const type = TYPES[extname(path)] ?? 'application/octet-stream'
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '')
  if (!range) return void reply.writeHead(200, { 'content-type': type }).end(await readFile(path))
  const start = Number(range[1])
  const end = Math.min(range[2] ? Number(range[2]) : Number.POSITIVE_INFINITY, found.size - 1)
  if (start > end) return void reply.writeHead(416, { 'content-range': `bytes */${found.size}` }).end()
  reply.writeHead(206, {
    'content-type': type,
    'content-range': `bytes ${start}-${end}/${found.size}`,
    'content-length': end - start + 1,
  })
  createReadStream(path, { start, end }).pipe(reply)
}

function json(reply: ServerResponse, value: unknown): void {
  reply.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}
