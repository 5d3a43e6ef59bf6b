import { join } from 'node:path'
import type { Config } from '../config/config.ts'

/** One entry of a configuration, key by key as `databases -json` prints it. */
export interface DatabaseLine {
  /** Of the database; of a folder, its path and pattern. */
  readonly path: string
  /** `s3`, ... */
  readonly replica: string
}

/** What `databases` lists. */
export function listDatabases({ databases }: Pick<Config, 'databases'>): DatabaseLine[] {
  return databases.map((entry) => ({
    path: entry.kind === 'database' ? entry.path : join(entry.dir, entry.pattern),
    replica: entry.replica.type,
  }))
}
