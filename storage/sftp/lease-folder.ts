import { StorageError } from '../errors.ts'
import { joinPath } from '../keys.ts'
import { readLimited } from '../limited-body.ts'
import { WHOLE_BODY_MS } from '../limits.ts'
import type { LeaseFolder } from '../numbered-lease-store.ts'
import { chunksOf } from '../range-body.ts'
import { LEASE_LIMIT } from '../store-limits.ts'
import { readFolder } from './folder.ts'
import { readFile } from './read.ts'
import type { SftpSession } from './session.ts'
import { type SftpErrorContext, sftpError } from './sftp-error.ts'
import { writeFile } from './write.ts'

/** What a lease needs of its client. */
export interface LeaseAccess {
  session(signal: AbortSignal | undefined): Promise<SftpSession>
  context(verb: string, path: string, signal: AbortSignal | undefined): SftpErrorContext
}

/** `<path>/lock`, where a lease's versions are. */
export function leaseFolder(path: string, access: LeaseAccess): LeaseFolder {
  const dir = joinPath(path, 'lock')
  const unlink = async (file: string): Promise<void> => {
    const session = await access.session(undefined)
    await session.request<void>((sftp, answer) => sftp.unlink(file, answer))
  }
  return {
    name: dir,
    names: async (signal) => {
      const session = await access.session(signal)
      const entries = await readFolder(session, dir, signal).catch((error) => {
        throw sftpError(error, access.context('read lease folder', dir, signal))
      })
      return entries.map(({ filename }) => filename)
    },
    read: async (name, signal) => {
      const context = access.context('read lease', `${dir}/${name}`, signal)
      const stream = await readFile(await access.session(signal), context, signal ? { signal } : {})
      const about = { key: context.path, name: `sftp://${context.endpoint}${context.path}`, signal }
      // The session has a limit for each answer.
      return stream && readLimited(chunksOf(stream), LEASE_LIMIT, { ...about, idleTimeoutMs: WHOLE_BODY_MS })
    },
    create: async (name, body, signal) => {
      const file = `${dir}/${name}`
      const context = access.context('write lease', file, signal)
      const { atomic } = await writeFile(await access.session(signal), context, body, {
        exclusive: true,
        concurrent: true,
      })
      if (atomic) return
      await unlink(file)
      const message = `Cannot hold a lease in ${dir}: the server cannot make hard links (hardlink@openssh.com)`
      throw new StorageError('STORAGE_NO_CONDITIONAL_WRITES', message, { at: { key: file } })
    },
    remove: (name) => unlink(`${dir}/${name}`).catch(() => {}),
  }
}
