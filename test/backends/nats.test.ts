import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll } from 'vitest'
import { NatsReplica, type NatsReplicaOptions } from '../../storage/nats/index.ts'
import { replicaClientConformance, type Subject } from '../storage/conformance.ts'
import { NatsBuckets } from './nats-buckets.ts'
import { type NatsServer, startNatsServer } from './servers/nats-server.ts'

let server: NatsServer
let buckets: NatsBuckets
const opened: NatsReplica[] = []
beforeAll(async () => {
  server = await startNatsServer()
  buckets = await NatsBuckets.connect(server)
})
afterAll(async () => {
  for (const client of opened) await client.close()
  await buckets?.close()
  await server?.stop()
})

function replica(bucket: string, options: Partial<NatsReplicaOptions> = {}): NatsReplica {
  const { url, user, password } = server
  const client = new NatsReplica({ server: url, bucket, user, password, ...options })
  opened.push(client)
  return client
}

/** There is no path below a bucket: here every path is a bucket of its own, named after it. */
const PATHS = [
  'app',
  'app2',
  'ap',
  'other',
  'app.bak',
  'a b',
  '100%',
  '%20',
  'süß/日本',
  'a+b&c=d',
  "it's",
  'x/y/z',
  'a#b?c',
]

replicaClientConformance(
  'NatsReplica on nats-server',
  async (): Promise<Subject> => {
    const run = randomBytes(4).toString('hex')
    const nameOf = (path: string): string => `${run}_${Buffer.from(path).toString('base64url')}`
    for (const path of PATHS) await buckets.make(nameOf(path))
    return {
      client: (path) => replica(nameOf(path)),
      putRaw: async (key, bytes) => {
        const path = PATHS.find((each) => key.startsWith(`${each}/`))
        await (path
          ? buckets.put(nameOf(path), key.slice(path.length + 1), bytes)
          : buckets.put(nameOf(key), '-', bytes))
      },
      keys: async () => {
        const all: string[] = []
        for (const path of PATHS) {
          for (const name of await buckets.names(nameOf(path))) all.push(name === '-' ? path : `${path}/${name}`)
        }
        return all.sort()
      },
    }
  },
  {
    subject: NatsReplica,
    type: 'nats',
    key: (path, level, file) => `${path}/ltx/${level}/${file}`,
    fastTimestamps: true,
  },
)
