import type { ReplicaClient } from '../../storage/node.ts'
import type { DatabaseEntry } from '../config/config.ts'
import { configuredDatabase as findConfigured } from '../configured-databases.ts'
import type { McpSubject } from './subject.ts'
import { ToolError } from './tool-error.ts'

/** True for a replica URL; anything else is a database's path. */
export function isReplicaURL(text: string): boolean {
  return /^\w+:\/\//.test(text) && !/^sqlite3?:\/\//.test(text)
}

/** Use the replica that a tool's `path` names: by its URL, or as the configuration has it. It is closed afterwards. */
export async function withReplica<T>(
  subject: McpSubject,
  { path, config }: { readonly path: string; readonly config?: string | undefined },
  use: (client: ReplicaClient) => Promise<T>,
): Promise<T> {
  const source = isReplicaURL(path) ? path : (await configuredDatabase(subject, path, config)).replica
  const client = await subject.openReplica(source)
  try {
    return await use(client)
  } finally {
    await client.close()
  }
}

/** A database as the configuration has it, by name or in a folder. @throws ToolError when it is not there */
export async function configuredDatabase(
  subject: McpSubject,
  path: string,
  config: string | undefined,
): Promise<DatabaseEntry> {
  const absolute = subject.expandPath(path)
  const entry = findConfigured(await subject.loadConfig(config), absolute)
  if (entry) return entry
  throw new ToolError(`there is no database ${absolute} in the configuration`, 'litestream_databases, or a replica URL')
}
