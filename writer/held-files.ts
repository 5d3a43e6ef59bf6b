import { closeSync, openSync, readSync, statSync } from 'node:fs'
import { errnoCode, fileError } from './durable-file.ts'
import { WriterError } from './errors.ts'

/** A read-only descriptor on a database file. */
export interface HeldFile {
  readonly fd: number
  /** Its user needs it no more. No SQLite connection of that user may be open on the file any longer. */
  release(): void
}

interface Holding {
  readonly fd: number
  users: number
  /** Never closed: somebody else in this process may have a connection on the file. */
  forGood: boolean
}

/** By device and inode, which is not given away while the file is open. */
const holdings = new Map<string, Holding>()

/**
 * A descriptor on a database file, one per process and file, because closing *any* descriptor of a file drops every
 * POSIX lock that the process holds on it, SQLite's own included.
 *
 * @param ours True: nobody but the users of this function opens connections on the file in this process. Then it is
 *   closed when the last of them has closed its connections and released it: no lock is left that could be dropped.
 *   False: it stays open until the process ends.
 * @throws WriterError WRITER_NO_DATABASE, WRITER_NOT_A_DATABASE, WRITER_IO
 */
export function holdFile(path: string, ours: boolean): HeldFile {
  try {
    const stat = statSync(path)
    const identity = `${stat.dev}:${stat.ino}`
    let holding = holdings.get(identity)
    if (!holding) {
      if (!stat.isFile()) {
        throw new WriterError('WRITER_NOT_A_DATABASE', `Cannot open ${path}: it is not a regular file`, {
          at: { path },
        })
      }
      holding = { fd: openSync(path, 'r'), users: 0, forGood: false }
      holdings.set(identity, holding)
    }
    holding.users++
    if (!ours) holding.forGood = true
    return { fd: holding.fd, release: releaseOnce(identity, holding) }
  } catch (error) {
    if (errnoCode(error) !== 'ENOENT') throw fileError(error, 'open', path)
    throw new WriterError('WRITER_NO_DATABASE', `Cannot open ${path}: no such database`, {
      at: { path },
      cause: error,
      hint: 'Check the path, or create the database first.',
    })
  }
}

function releaseOnce(identity: string, holding: Holding): () => void {
  let released = false
  return () => {
    if (released) return
    released = true
    if (--holding.users > 0 || holding.forGood) return
    holdings.delete(identity)
    closeSync(holding.fd)
  }
}

const MAGIC = 'SQLite format 3\0'

/**
 * Whether a file begins as a SQLite database does. Goes by `holdFile`, so that looking drops nobody's locks.
 * @param ours see `holdFile`
 */
export function isDatabaseFile(path: string, ours: boolean): boolean {
  let file: HeldFile | undefined
  try {
    if (!statSync(path).isFile()) return false
    file = holdFile(path, ours)
    const bytes = Buffer.alloc(MAGIC.length)
    return readSync(file.fd, bytes, 0, bytes.length, 0) === bytes.length && bytes.toString('latin1') === MAGIC
  } catch {
    return false // gone meanwhile, or not ours to read
  } finally {
    file?.release()
  }
}
