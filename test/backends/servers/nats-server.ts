import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureDebianPackages } from '../../servers/ensure-debian-packages.ts'
import { type ChildServer, startChild } from './child-server.ts'
import { freePort } from './free-port.ts'

/** A NATS server with JetStream. */
export interface NatsServer {
  readonly port: number
  readonly url: string
  readonly user: string
  readonly password: string
  readonly server: ChildServer
  stop(): Promise<void>
}

export interface NatsServerOptions {
  /** Its `authorization { ... }` and other lines, in place of one user with a password. */
  readonly config?: string
}

export async function startNatsServer({ config }: NatsServerOptions = {}): Promise<NatsServer> {
  await ensureDebianPackages({ programs: ['nats-server'], packages: ['nats-server'] })
  const root = await mkdtemp(join(tmpdir(), 'litetap-nats-'))
  const [user, password] = ['replicator', 's3cret']
  const port = await freePort()
  const login = config ?? `authorization { user: ${user}, password: ${password} }`
  await writeFile(
    join(root, 'nats.conf'),
    `listen: "127.0.0.1:${port}"\njetstream { store_dir: "${root}/data" }\n${login}\n`,
  )
  const server = await startChild({
    command: ['nats-server', '-c', join(root, 'nats.conf')],
    port,
    log: join(root, 'log'),
  })
  return {
    port,
    url: `nats://127.0.0.1:${port}`,
    user,
    password,
    server,
    stop: async () => {
      await server.stop()
      await rm(root, { recursive: true, force: true })
    },
  }
}
