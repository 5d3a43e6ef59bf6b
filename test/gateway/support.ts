import { mkdirSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { onTestFinished } from 'vitest'
import { createGateway, type Gateway, type GatewayOptions } from '../../gateway/index.ts'
import { FileReplica } from '../../storage/file/index.ts'
import type { LtxFileInfo, ReplicaClient } from '../../storage/node.ts'
import { Replicator } from '../../writer/index.ts'
import { ltxBytes, name } from '../storage/ltx-bytes.ts'
import { tempDir } from '../support/temp-dir.ts'

/** Lies beside the replica, and in its folder, under names of all kinds. Nobody may ever be sent it. */
export const CANARY = 'canary-5f0c1f9e7b'

export interface Running {
  readonly url: string
  readonly port: number
  readonly gateway: Gateway
}

/** A gateway on a port of its own, stopped with the test. */
export async function startGateway(options: GatewayOptions): Promise<Running> {
  const gateway = createGateway(options)
  onTestFinished(() => gateway.close(0))
  const { url, port } = await gateway.listen({ host: '127.0.0.1', port: 0 })
  return { url, port, gateway }
}

/** A replica in a folder, with a canary at every turn. */
export function canaryReplica(): { readonly dir: string; readonly client: () => FileReplica } {
  const root = tempDir()
  const dir = join(root, 'app')
  const places = ['', 'app', 'app/ltx', 'app/ltx/0', 'app/litetap', 'app/lock', 'other/ltx/0']
  for (const place of places) {
    mkdirSync(join(root, place), { recursive: true })
    for (const file of ['canary', 'canary.ltx', 'canary.json', '.canary'])
      writeFileSync(join(root, place, file), CANARY)
  }
  writeFileSync(join(root, 'other/ltx/0/0000000000000001-0000000000000001.ltx'), CANARY)
  writeFileSync(join(root, 'app/ltx/0/0000000000000001-0000000000000001.ltx.bak'), CANARY)
  writeFileSync(join(root, 'app/ltx/0/000000000000000A-000000000000000A.ltx'), CANARY)
  mkdirSync(join(dir, 'ltx/10'), { recursive: true })
  writeFileSync(join(dir, 'ltx/10/0000000000000001-0000000000000001.ltx'), CANARY)
  return { dir, client: () => new FileReplica({ path: dir }) }
}

/** Files 1 to `count` of level 0, of so many bytes, and what they are made of. */
export async function fill(client: ReplicaClient, count: number, size = 10_000): Promise<Uint8Array[]> {
  const files = Array.from({ length: count }, (_, i) => ltxBytes({ min: i + 1, size }))
  for (const [i, bytes] of files.entries()) await client.write(name(0, i + 1), bytes)
  return files
}

/** The path of an L0 file. */
export function l0(txid: number, database = 'app'): string {
  const hex = txid.toString(16).padStart(16, '0')
  return `/${database}/ltx/0/${hex}-${hex}.ltx`
}

/** Send bytes as they are, and read until the server closes, or has been silent for a while after its last byte. */
export async function raw(port: number, text: string, silenceMs = 300): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  const chunks: Buffer[] = []
  let timer: ReturnType<typeof setTimeout> | undefined
  await new Promise<void>((resolve) => {
    const soon = (): void => {
      clearTimeout(timer)
      timer = setTimeout(resolve, chunks.length > 0 ? silenceMs : 5_000)
    }
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      soon()
    })
    socket.on('close', () => resolve())
    socket.on('error', () => {})
    socket.write(text, 'latin1')
    soon()
  })
  clearTimeout(timer)
  socket.destroy()
  return Buffer.concat(chunks).toString('latin1')
}

/** The statuses of all replies in raw text. */
export function statuses(reply: string): number[] {
  return [...reply.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status))
}

export interface Live {
  readonly app: DatabaseSync
  readonly path: string
  readonly client: () => FileReplica
  readonly replicator: Replicator
  /** L0 files in the order in which they became durable. */
  readonly durable: LtxFileInfo[]
}

/** A database in use, replicated to a folder as long as the test lasts. */
export async function liveDatabase(setup: string): Promise<Live> {
  const dir = tempDir()
  const path = join(dir, 'app.db')
  const app = new DatabaseSync(path)
  app.exec(`PRAGMA journal_mode = wal; ${setup}`)
  const client = (): FileReplica => new FileReplica({ path: join(dir, 'replica') })
  const durable: LtxFileInfo[] = []
  const replicator = new Replicator({
    dbPath: path,
    client: client(),
    settings: { minSyncIntervalMs: 0, monitorIntervalMs: 50 },
    onDurable: (info) => durable.push(info),
  })
  await replicator.start()
  onTestFinished(async () => {
    await replicator.close()
    app.close()
  })
  await replicator.flush()
  return { app, path, client, replicator, durable }
}
