import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { SNAPSHOT_LEVEL } from '../../ltx/index.ts'
import { FileReplica } from '../../storage/file/index.ts'
import { CATALOG_NAME, encodeCatalog, type ReplicaClient } from '../../storage/index.ts'
import { type StaticServer, startStaticHttp } from '../servers/static-http.ts'
import { listAll } from './ltx-bytes.ts'

export interface CatalogStore {
  readonly server: StaticServer
  /** The folder that is served. */
  readonly root: string
  writer(path: string): ReplicaClient
  /** The address of a replica. */
  url(path: string): string
  keys(): Promise<string[]>
  close(): Promise<void>
}

/** What a folder's catalog is to say now. */
export async function catalogOf(client: FileReplica): Promise<Uint8Array> {
  const levels = Array.from({ length: SNAPSHOT_LEVEL + 1 }, (_, level) => listAll(client, level))
  return encodeCatalog({ layout: 'ltx', files: (await Promise.all(levels)).flat() })
}

/** A folder on a web server, with a catalog below every path that always says what is there. */
export async function startCatalogStore(): Promise<CatalogStore> {
  const root = await mkdtemp(join(tmpdir(), 'http-replica-'))
  const writer = (path: string): FileReplica => new FileReplica({ path: join(root, path) })
  const server = await startStaticHttp(root, (path) =>
    path.endsWith(`/${CATALOG_NAME}`) ? catalogOf(writer(path.slice(0, -CATALOG_NAME.length))) : undefined,
  )
  return {
    server,
    root,
    writer,
    url: (path) => `${server.endpoint}/${path.split('/').map(encodeURIComponent).join('/')}`,
    keys: async () => {
      const entries = await readdir(root, { recursive: true, withFileTypes: true })
      const files = entries.filter((entry) => entry.isFile())
      return files.map((entry) => relative(root, join(entry.parentPath, entry.name))).sort()
    },
    close: async () => {
      await server.close()
      await rm(root, { recursive: true, force: true })
    },
  }
}
