import { readdir, unlink } from 'node:fs/promises'
import { StorageError } from '../errors.ts'
import { joinPath } from '../keys.ts'
import { readLimited } from '../limited-body.ts'
import { WHOLE_BODY_MS } from '../limits.ts'
import type { LeaseFolder } from '../numbered-lease-store.ts'
import { chunksOf } from '../range-body.ts'
import { LEASE_LIMIT } from '../store-limits.ts'
import { type FileModes, writeDurable } from './durable.ts'
import { fileError, hasCode } from './file-error.ts'
import { readFile } from './read-file.ts'

/** `<path>/lock`, where a lease's versions are. */
export function leaseFolder(path: string, modes: FileModes): LeaseFolder {
  const dir = joinPath(path, 'lock')
  const unlessAbsent =
    <T>(absent: T, verb: string, path: string) =>
    (error: unknown): T => {
      if (hasCode(error, 'ENOENT')) return absent
      throw fileError(error, verb, path)
    }
  return {
    name: dir,
    names: () => readdir(dir).catch(unlessAbsent([], 'read lease folder', dir)),
    read: async (name) => {
      const path = `${dir}/${name}`
      const stream = await readFile(path, {})
      const context = { key: path, name: path, idleTimeoutMs: WHOLE_BODY_MS, signal: undefined }
      return stream && readLimited(chunksOf(stream), LEASE_LIMIT, context)
    },
    create: async (name, body, signal) => {
      const path = `${dir}/${name}`
      const { atomic } = await writeDurable(path, body, { ...modes, exclusive: true, signal }).catch((error) => {
        throw fileError(error, 'write lease', path)
      })
      if (atomic) return
      await unlink(path)
      const message = `Cannot hold a lease in ${dir}: its file system has no hard links`
      throw new StorageError('STORAGE_NO_CONDITIONAL_WRITES', message, { at: { key: path } })
    },
    remove: async (name) => unlink(`${dir}/${name}`).catch(() => {}),
  }
}
