import { mkdirSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { onTestFinished } from 'vitest'
import { expandPath } from '../../../cli/config.ts'
import { ControlSocket, type ControlSocketOptions } from '../../../daemon/socket/index.ts'
import { parseReplicaURL } from '../../../storage/node.ts'
import type { ReplicaSettings } from '../../../storage/replica-settings.ts'
import { tempDir } from '../../support/temp-dir.ts'
import { ReplicatorControl } from './replicator-control.ts'

export interface DaemonScene {
  readonly dir: string
  readonly control: ReplicatorControl
  readonly socketPath: string
  /** A database, with its application's connection; nobody replicates it yet. */
  database(name: string): { readonly path: string; readonly app: DatabaseSync; readonly url: string }
}

/** A daemon that runs in this process, with its control socket, until the test ends. */
export async function daemonScene(options: Partial<ControlSocketOptions> = {}): Promise<DaemonScene> {
  const dir = tempDir()
  const control = new ReplicatorControl()
  onTestFinished(() => control.close())
  const socketPath = join(dir, 'control.sock')
  const socket = new ControlSocket(socketOptions(control, socketPath, options))
  await socket.listen()
  onTestFinished(() => socket.close(0))
  return { dir, control, socketPath, database: (name) => newDatabase(dir, name) }
}

export function socketOptions(
  control: ReplicatorControl,
  path: string,
  options: Partial<ControlSocketOptions> = {},
): ControlSocketOptions {
  return {
    control,
    path,
    version: 'v9.9.9',
    expandPath: (text) => expandPath(text, { cwd: '/', env: { HOME: '/home/somebody' } }),
    parseReplica,
    ...options,
  }
}

function parseReplica(url: string): ReplicaSettings {
  const parsed = parseReplicaURL(url)
  if (parsed.scheme !== 'file') throw new TypeError(`These tests have no ${parsed.scheme} server`)
  return { type: 'file', path: parsed.path }
}

export function newDatabase(dir: string, name: string) {
  const folder = join(dir, name)
  mkdirSync(folder, { recursive: true })
  const path = join(folder, 'app.db')
  const app = new DatabaseSync(path, { timeout: 5000 })
  onTestFinished(() => app.close())
  app.exec('PRAGMA journal_mode = wal; CREATE TABLE t (id INTEGER PRIMARY KEY, text)')
  return { path, app, url: pathToFileURL(join(folder, 'replica')).href }
}

export interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
  /** The body as JSON; undefined for what is none. */
  readonly json: Record<string, unknown> | undefined
}

/** One request to a Unix socket, with a client that is not ours. */
export function ask(
  socketPath: string,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ socketPath, method, path, headers, agent: false }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        text += chunk
      })
      response.once('error', reject)
      response.once('end', () =>
        resolve({ status: response.statusCode!, headers: response.headers, text, json: parse(text) }),
      )
    })
    outgoing.once('error', reject)
    outgoing.end(body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body))
  })
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(text) as Record<string, unknown>
  } catch {
    return undefined
  }
}
