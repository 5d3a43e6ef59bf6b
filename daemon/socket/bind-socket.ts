import { chmod, lstat, mkdtemp, rename, rm } from 'node:fs/promises'
import { connect, type Server as NetServer } from 'node:net'
import { dirname, join } from 'node:path'
import { DaemonError } from '../errors.ts'

export interface BoundSocket {
  /** Take the socket's name away, if it still is this socket's. */
  remove(): Promise<void>
}

/**
 * Listen on a Unix socket that has its permissions from its first moment: it is made in a folder that nobody else may
 * enter, and then moved to its place. What a daemon that is gone left there is replaced.
 *
 * @param mode permissions, such as 0o600
 * @throws DaemonError DAEMON_CANNOT_LISTEN when something else than a socket stands there, when another daemon listens,
 *   or when the socket cannot be made
 */
export async function bindSocket(server: NetServer, path: string, mode: number): Promise<BoundSocket> {
  await mustBeFree(path)
  let folder: string | undefined
  try {
    folder = await mkdtemp(`${dirname(path)}/.`)
    const made = join(folder, 's')
    await listen(server, made)
    await chmod(made, mode)
    const { ino } = await lstat(made)
    await rename(made, path)
    return { remove: () => removeIfOurs(path, ino) }
  } catch (cause) {
    server.close()
    throw cannotListen(path, (cause as Error).message, { cause })
  } finally {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true })
  }
}

async function mustBeFree(path: string): Promise<void> {
  const stats = await lstat(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return undefined
    throw cannotListen(path, cause.message, { cause })
  })
  if (!stats) return
  if (!stats.isSocket()) {
    throw cannotListen(path, 'something that is no socket stands there', {
      hint: 'Move it away, or set socket.path to another path.',
    })
  }
  const error = await attempt(path)
  if (error === undefined) {
    throw cannotListen(path, 'another daemon listens on it', {
      hint: 'Stop that one, or set socket.path to another path.',
    })
  }
  // Nobody accepts: it was left behind. Anything else leaves it open whose it is.
  if (error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT')
    throw cannotListen(path, error.message, { cause: error })
}

/** @returns why nobody could be reached; undefined when somebody was */
function attempt(path: string): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(undefined)
    })
    socket.once('error', resolve)
  })
}

function listen(server: NetServer, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ path }, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

async function removeIfOurs(path: string, ino: number): Promise<void> {
  const stats = await lstat(path).catch(() => undefined)
  if (stats?.ino === ino) await rm(path, { force: true })
}

function cannotListen(path: string, why: string, options: { cause?: unknown; hint?: string }): DaemonError {
  const message = `Cannot listen on the control socket ${path}: ${why}`
  return new DaemonError('DAEMON_CANNOT_LISTEN', message, { at: { path }, ...options })
}
