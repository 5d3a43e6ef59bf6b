import type { ReplicaSettings } from '../../storage/replica-settings.ts'
import { NatsBuckets } from '../backends/nats-buckets.ts'
import { startApacheDav } from '../backends/servers/apache-dav.ts'
import { startNatsServer } from '../backends/servers/nats-server.ts'
import { startSshd } from '../backends/servers/sshd.ts'

/** A real server, and how both programs are told to use a replica on it. */
export interface BackendStore {
  settings(replica: string): ReplicaSettings
  /** The same for Litestream's configuration file: the lines of `replica:`, as YAML's JSON. */
  config(replica: string): Readonly<Record<string, string>>
  /** The URL with the login in it, where Litestream's VFS, which knows URLs only, can log in by that. */
  vfsURL?(replica: string): string
  /** To be done before a replica is used. */
  prepare(replica: string): Promise<void>
  stop(): Promise<void>
}

export const BACKENDS: Readonly<Record<string, () => Promise<BackendStore>>> = {
  sftp: async () => {
    const { host, user, keyPath, hostKey, dir, stop } = await startSshd()
    return {
      settings: (replica) => ({ type: 'sftp', host, user, keyPath, hostKey, path: `${dir}/${replica}` }),
      config: (replica) => ({
        type: 'sftp',
        host,
        user,
        'key-path': keyPath,
        'host-key': hostKey,
        path: `${dir}/${replica}`,
      }),
      prepare: async () => {},
      stop,
    }
  },
  webdav: async () => {
    const { endpoint, port, user, password, stop } = await startApacheDav()
    const login = { 'webdav-username': user, 'webdav-password': password }
    return {
      settings: (replica) => ({ type: 'webdav', endpoint, user, password, path: `/${replica}` }),
      config: (replica) => ({ type: 'webdav', 'webdav-url': endpoint, path: `/${replica}`, ...login }),
      vfsURL: (replica) => `webdav://${user}:${encodeURIComponent(password)}@127.0.0.1:${port}/${replica}`,
      prepare: async () => {},
      stop,
    }
  },
  nats: async () => {
    const server = await startNatsServer()
    const buckets = await NatsBuckets.connect(server)
    const { url, port, user, password } = server
    return {
      settings: (replica) => ({ type: 'nats', server: url, bucket: replica, user, password }),
      config: (replica) => ({ type: 'nats', url: `${url}/${replica}`, username: user, password }),
      vfsURL: (replica) => `nats://${user}:${password}@127.0.0.1:${port}/${replica}`,
      prepare: (replica) => buckets.make(replica),
      stop: async () => {
        await buckets.close()
        await server.stop()
      },
    }
  },
}
