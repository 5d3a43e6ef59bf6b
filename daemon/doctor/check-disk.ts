import { stat, statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type Finding, failure, ok, warning } from './finding.ts'

/** Below this a WAL of ordinary size finds no room. */
const LEAST_FREE_BYTES = 64 * 1024 * 1024

/** File systems by their magic (statfs(2)) where SQLite's locks or its shared memory do not work as they must. */
const DOUBTFUL: Readonly<Record<number, string>> = {
  26985: 'NFS',
  20859: 'SMB',
  4283649346: 'CIFS',
  4266872130: 'SMB2',
  16914839: '9P',
  1702057286: 'FUSE',
  12805120: 'CephFS',
  1397113167: 'AFS',
}

/** How much room there is beside a database, and on what kind of file system it lies. */
export async function checkDisk(path: string): Promise<readonly Finding[]> {
  const folder = await statfs(dirname(path))
  const { size } = await stat(path)
  return [judgeSpace(folder.bavail * folder.bsize, size), judgeFileSystem(folder.type)]
}

/** @param free bytes that this user may still write. @param database bytes of the database file */
export function judgeSpace(free: number, database: number): Finding {
  const room = `${megabytes(free)} MB are free beside a database of ${megabytes(database)} MB`
  if (free < LEAST_FREE_BYTES) {
    return failure('disk space', room, 'Make room: the WAL and the local LTX files lie beside the database.')
  }
  if (free < database) return warning('disk space', room, 'Keep as much free as the database is large.')
  return ok('disk space', room)
}

/** @param type as statfs(2) reports it */
export function judgeFileSystem(type: number): Finding {
  const name = DOUBTFUL[type]
  if (name === undefined) return ok('file system', 'It is no network file system')
  const hint = 'Move the database to a local disk: WAL mode needs shared memory and locks that work.'
  return warning('file system', `The database lies on ${name}`, hint)
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1)
}
