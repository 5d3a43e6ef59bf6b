import { chmod, chown, mkdir, readdir, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Subject } from '../storage/conformance.ts'

/** A look at a server's files past the server: what it has below one of its folders. */
export function diskSubject(root: string): Omit<Subject, 'client'> {
  return {
    putRaw: async (key, bytes) => {
      const path = join(root, key)
      await mkdir(dirname(path), { recursive: true })
      await writeFile(path, bytes)
      const { uid, gid } = await stat(root)
      for (let at = path; at.length > root.length; at = dirname(at)) {
        await chown(at, uid, gid)
        await chmod(at, at === path ? 0o644 : 0o755)
      }
    },
    keys: async () => {
      const entries = await readdir(root, { recursive: true, withFileTypes: true })
      return entries
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
        .sort()
    },
  }
}
