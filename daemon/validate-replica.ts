import { listLevel } from '../replica/index.ts'
import { findLevelProblems, type Log } from '../writer/index.ts'
import type { ManagedDatabase } from './managed-database.ts'

/** Warn of files that do not follow each other, level by level (facts 5.6). @throws StorageError */
export async function validateReplica(database: ManagedDatabase, log: Log): Promise<void> {
  const client = await database.prepare()
  for (const level of [0, ...database.entry.settings.levels.map((each) => each.level)]) {
    for (const problem of findLevelProblems(await listLevel(client, level))) {
      log.warn('a level of the replica is not whole', { db: database.entry.path, level, ...problem })
    }
  }
}
