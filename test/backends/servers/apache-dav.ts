import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmod, chown, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ensureDebianPackages } from '../../servers/ensure-debian-packages.ts'
import { type ChildServer, startChild } from './child-server.ts'
import { freePort } from './free-port.ts'

const run = promisify(execFile)
const MODULES = '/usr/lib/apache2/modules'
const REALM = 'dav'

/** Apache with mod_dav, which keeps files in a folder. */
export interface ApacheDav {
  readonly port: number
  readonly endpoint: string
  readonly user: string
  readonly password: string
  /** Where its files are, in this file system too. */
  readonly dir: string
  /** `GET /path 206` and the like, one a line, in order. */
  requests(): Promise<string[]>
  readonly server: ChildServer
  stop(): Promise<void>
}

export interface ApacheDavOptions {
  /** How it wants to be logged in to. Default basic. */
  readonly auth?: 'basic' | 'digest'
}

export async function startApacheDav({ auth = 'basic' }: ApacheDavOptions = {}): Promise<ApacheDav> {
  await ensureDebianPackages({ programs: ['apache2', 'htpasswd'], packages: ['apache2', 'apache2-utils'] })
  const root = await mkdtemp(join(tmpdir(), 'litetap-dav-'))
  const file = (name: string): string => join(root, name)
  for (const name of ['data', 'lock', 'logs']) await mkdir(file(name))
  const [user, password] = ['replicator', 'se:cret ä']
  if (auth === 'basic') await run('htpasswd', ['-bcB', file('passwords'), user, password])
  else await writeFile(file('passwords'), `${user}:${REALM}:${md5(`${user}:${REALM}:${password}`)}\n`)
  const port = await freePort()
  await writeFile(file('httpd.conf'), configuration(file, port, auth))
  await chmod(root, 0o755)
  // As root it serves as another user, who must be able to write.
  if (process.getuid?.() === 0) {
    const { stdout } = await run('id', ['-u', 'www-data'])
    for (const name of ['data', 'lock', 'logs', 'passwords']) await chown(file(name), Number(stdout), -1)
  }
  const { stdout } = await run('sh', ['-c', 'command -v apache2'])
  const command = [stdout.trim(), '-d', root, '-f', file('httpd.conf'), '-DFOREGROUND'] as const
  const server = await startChild({ command: [...command], port, log: file('out') })
  return {
    port,
    endpoint: `http://127.0.0.1:${port}`,
    user,
    password,
    dir: file('data'),
    requests: async () => (await readFile(file('logs/access.log'), 'utf8')).trim().split('\n'),
    server,
    stop: async () => {
      await server.stop()
      await rm(root, { recursive: true, force: true })
    },
  }
}

function md5(text: string): string {
  return createHash('md5').update(text).digest('hex')
}

function configuration(file: (name: string) => string, port: number, auth: 'basic' | 'digest'): string {
  const modules = ['mpm_event', 'authn_core', 'authn_file', 'authz_core', 'authz_user', 'auth_basic', 'auth_digest']
  const more = ['dav', 'dav_fs', 'mime', 'headers', 'setenvif']
  return `
ServerRoot ${file('')}
ServerName 127.0.0.1
PidFile ${file('httpd.pid')}
Listen 127.0.0.1:${port}
ErrorLog ${file('logs/error.log')}
${[...modules, ...more].map((name) => `LoadModule ${name}_module ${MODULES}/mod_${name}.so`).join('\n')}
TypesConfig /dev/null
LogFormat "%m %U %>s" short
CustomLog ${file('logs/access.log')} short
DocumentRoot ${file('data')}
DAVLockDB ${file('lock/DAVLock')}
KeepAlive On
MaxKeepAliveRequests 0
AcceptPathInfo Off
${process.getuid?.() === 0 ? 'User www-data\nGroup www-data' : ''}
<Directory ${file('data')}>
  Dav On
  AllowOverride None
  AuthType ${auth}
  AuthName ${REALM}
  AuthUserFile ${file('passwords')}
  Require valid-user
</Directory>
`
}
