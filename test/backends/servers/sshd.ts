import { execFile } from 'node:child_process'
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ensureDebianPackages } from '../../servers/ensure-debian-packages.ts'
import { type ChildServer, startChild } from './child-server.ts'
import { freePort } from './free-port.ts'

const run = promisify(execFile)

/** An OpenSSH server for the user of this process. */
export interface Sshd {
  readonly port: number
  readonly host: string
  readonly user: string
  /** Where its files are, in this file system too. */
  readonly dir: string
  /** Path of a private key that it lets in. */
  readonly keyPath: string
  /** Its own public key. */
  readonly hostKey: string
  /** What it logged. */
  log(): Promise<string>
  readonly server: ChildServer
  stop(): Promise<void>
}

export interface SshdOptions {
  /** More lines for its configuration. */
  readonly config?: readonly string[]
}

/** Start sshd on a random port; keys only, as passwords are the system's. */
export async function startSshd({ config = [] }: SshdOptions = {}): Promise<Sshd> {
  await ensureDebianPackages({ programs: ['sshd', 'ssh-keygen'], packages: ['openssh-server'] })
  const root = await mkdtemp(join(tmpdir(), 'litetap-sshd-'))
  const files = join(root, 'data')
  await mkdir(files)
  await chmod(root, 0o700)
  const file = (name: string): string => join(root, name)
  for (const name of ['hostkey', 'clientkey']) {
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file(name)])
  }
  await copyFile(file('clientkey.pub'), file('authorized_keys'))
  if (process.getuid?.() === 0) await mkdir('/run/sshd', { recursive: true }) // its privilege separation wants that
  const port = await freePort()
  const lines = [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${file('hostkey')}`,
    `PidFile ${file('sshd.pid')}`,
    `AuthorizedKeysFile ${file('authorized_keys')}`,
    'StrictModes no',
    'UsePAM no',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'PermitRootLogin prohibit-password',
    'AllowTcpForwarding no',
    'X11Forwarding no',
    'LogLevel VERBOSE',
    'MaxStartups 100',
    ...config,
    `Subsystem sftp internal-sftp -d ${files}`,
  ]
  // The first of two settings counts.
  await writeFile(file('sshd_config'), `${[...config, ...lines].join('\n')}\n`)
  // It starts itself again for each connection, so its own path must be absolute.
  const { stdout } = await run('sh', ['-c', 'command -v sshd'])
  const command = [stdout.trim(), '-f', file('sshd_config'), '-E', file('sshd.log'), '-D'] as const
  const server = await startChild({ command: [...command], port, log: file('out') })
  return {
    port,
    host: `127.0.0.1:${port}`,
    user: userInfo().username,
    dir: files,
    keyPath: file('clientkey'),
    hostKey: (await readFile(file('hostkey.pub'), 'utf8')).trim(),
    log: () => readFile(file('sshd.log'), 'utf8'),
    server,
    stop: async () => {
      await server.stop()
      await rm(root, { recursive: true, force: true })
    },
  }
}
