import { type Database, type LtxFileInfo, open } from '../../../entry/web.ts'
import { SNAPSHOT_LEVEL } from '../../../ltx/index.ts'
import type { ReplicaClient } from '../../../storage/index.ts'
import { openWebReplica } from '../../../storage/web.ts'
import { ChangedPages } from './changed-pages.ts'
import type { RequestLog } from './request-log.ts'

/** A replica that is open in this page. */
export interface Session {
  readonly url: string
  readonly db: Database
  /** The explorer's own way to the same replica: for what it shows beside the queries. */
  readonly client: ReplicaClient
  readonly changes: ChangedPages
  close(): Promise<void>
}

/** @param token goes with every request as a bearer token; '' for none */
export async function openSession(url: string, token: string, log: RequestLog): Promise<Session> {
  const headers = token === '' ? {} : { headers: { authorization: `Bearer ${token}` } }
  const sqlite = new URL('sqlite3.wasm', document.baseURI)
  const sqliteAsyncify = new URL('sqlite3-asyncify.wasm', document.baseURI)
  const client = await openWebReplica(url, { ...headers, fetch: log.fetchFor('explorer'), events: true })
  const db = await open(url, { ...headers, fetch: log.fetchFor('query'), sqlite, sqliteAsyncify })
  return {
    url,
    db,
    client,
    changes: new ChangedPages(client),
    close: async () => {
      await Promise.all([db.close(), client.close()])
    },
  }
}

/** All files of a backup: from its catalog, or listed level by level. */
export async function listFiles(client: ReplicaClient): Promise<readonly LtxFileInfo[]> {
  if (client.listAll) return await client.listAll()
  const levels = Array.from({ length: SNAPSHOT_LEVEL + 1 }, (_, level) => Array.fromAsync(client.list(level)))
  return (await Promise.all(levels)).flat()
}
