import { MemoryReplica } from '../../storage/index.ts'
import { replicaClientConformance } from './conformance.ts'

replicaClientConformance(
  'MemoryReplica',
  async () => {
    const bucket = new Map()
    return {
      client: (path) => new MemoryReplica({ bucket, path }),
      putRaw: async (key, bytes) => void bucket.set(key, { bytes, createdAt: 0 }),
      keys: async () => [...bucket.keys()].sort(),
    }
  },
  {
    subject: MemoryReplica,
    type: 'memory',
    key: (path, level, file) => `${path}/ltx/${level}/${file}`,
    fastTimestamps: true,
  },
)
