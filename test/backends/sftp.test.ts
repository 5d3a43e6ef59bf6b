import { randomBytes } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { SftpReplica, type SftpReplicaOptions } from '../../storage/sftp/index.ts'
import { replicaClientConformance } from '../storage/conformance.ts'
import { diskSubject } from './disk-subject.ts'
import { type Sshd, startSshd } from './servers/sshd.ts'

let sshd: Sshd
const opened: SftpReplica[] = []
beforeAll(async () => {
  sshd = await startSshd()
})
afterAll(async () => {
  for (const client of opened) await client.close()
  await sshd?.stop()
})

function replica(options: Partial<SftpReplicaOptions> = {}): SftpReplica {
  const { host, user, keyPath, hostKey } = sshd
  const client = new SftpReplica({ host, user, keyPath, hostKey, path: `${sshd.dir}/app`, ...options })
  opened.push(client)
  return client
}

replicaClientConformance(
  'SftpReplica on OpenSSH',
  async () => {
    const root = join(sshd.dir, randomBytes(6).toString('hex'))
    await mkdir(root)
    return { client: (path) => replica({ path: join(root, path) }), ...diskSubject(root) }
  },
  {
    subject: SftpReplica,
    type: 'sftp',
    key: (path, level, file) => `${path}/ltx/${level}/${file}`,
    fastTimestamps: 'seconds',
  },
)
