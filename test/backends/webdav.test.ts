import { randomBytes } from 'node:crypto'
import { chown, mkdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { WebdavReplica, type WebdavReplicaOptions } from '../../storage/webdav/index.ts'
import { replicaClientConformance } from '../storage/conformance.ts'
import { diskSubject } from './disk-subject.ts'
import { type ApacheDav, startApacheDav } from './servers/apache-dav.ts'

let apache: ApacheDav
const opened: WebdavReplica[] = []
beforeAll(async () => {
  apache = await startApacheDav()
})
afterAll(async () => {
  for (const client of opened) await client.close()
  await apache?.stop()
})

function replica(options: Partial<WebdavReplicaOptions> = {}): WebdavReplica {
  const { endpoint, user, password } = apache
  const client = new WebdavReplica({ endpoint, user, password, path: '/app', ...options })
  opened.push(client)
  return client
}

replicaClientConformance(
  'WebdavReplica on Apache',
  async () => {
    const name = randomBytes(6).toString('hex')
    const root = join(apache.dir, name)
    await mkdir(root)
    const { uid, gid } = await stat(apache.dir)
    await chown(root, uid, gid)
    return { client: (path) => replica({ path: `/${name}/${path}` }), ...diskSubject(root) }
  },
  {
    subject: WebdavReplica,
    type: 'webdav',
    key: (path, level, file) => `${path}/ltx/${level}/${file}`,
    fastTimestamps: false,
    conditionalWrites: false,
  },
)
