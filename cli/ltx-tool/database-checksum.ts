import { CHECKSUM_FLAG, checksumPage, DatabaseChecksum } from '../../ltx/index.ts'
import type { DatabasePages } from './database-pages.ts'

/** The rolling checksum of a database (facts 1.7). The lock page, which no LTX file holds, is left out. */
export async function databaseChecksum(database: DatabasePages): Promise<bigint> {
  const checksum = new DatabaseChecksum(CHECKSUM_FLAG)
  for await (const { pgno, data } of database.pages()) checksum.add(checksumPage(pgno, data))
  return checksum.value
}
