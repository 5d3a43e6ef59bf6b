import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll } from 'vitest'
import { FileReplica } from '../../storage/file/index.ts'
import { replicaClientConformance } from './conformance.ts'

const roots: string[] = []

afterAll(async () => {
  for (const root of roots) await rm(root, { recursive: true, force: true })
})

replicaClientConformance(
  'FileReplica',
  async () => {
    const root = await mkdtemp(join(tmpdir(), 'file-replica-'))
    roots.push(root)
    return {
      client: (path) => new FileReplica({ path: join(root, path) }),
      putRaw: async (key, bytes) => {
        await mkdir(dirname(join(root, key)), { recursive: true })
        await writeFile(join(root, key), bytes)
      },
      keys: async () => {
        const entries = await readdir(root, { recursive: true, withFileTypes: true })
        return entries
          .filter((entry) => entry.isFile())
          .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
          .sort()
      },
    }
  },
  {
    subject: FileReplica,
    type: 'file',
    key: (path, level, file) => `${path}/ltx/${level}/${file}`,
    fastTimestamps: true,
  },
)
