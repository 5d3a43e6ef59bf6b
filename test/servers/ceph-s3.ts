import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { ensureDebianPackages } from './ensure-debian-packages.ts'
import { freePorts } from './free-ports.ts'

const run = promisify(execFile)

/** The one key of the server's KMS. */
export const KMS_KEY_ID = 'test-key'
const KMS_KEY = Buffer.alloc(32, 'k').toString('base64')

export interface CephS3 {
  readonly endpoint: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly region: string
  /** Ends the processes that were started here, by their ids, and removes their files. */
  stop(): Promise<void>
}

export interface CephOptions {
  readonly accessKeyId?: string
  readonly secretAccessKey?: string
  /** Capacity of the store; it lives in memory. Default 2 GiB. */
  readonly memoryBytes?: number
}

interface Ports {
  readonly rgw: number
  readonly monV2: number
  readonly monV1: number
  readonly osd: number
}

const HOST = '127.0.0.1'
const START_TIMEOUT_MS = 60_000

/**
 * Start a real single-node Ceph as child processes on random loopback ports: monitor, an OSD that keeps its data in
 * memory, and the RADOS Gateway, which speaks S3. About 1.5 s and 200 MB. Needs no root, keyring or systemd.
 */
export async function startCephS3(options: CephOptions = {}): Promise<CephS3> {
  await ensureDebianPackages({
    programs: ['radosgw', 'radosgw-admin', 'ceph-mon', 'ceph-osd', 'ceph', 'monmaptool'],
    packages: ['radosgw', 'ceph-mon', 'ceph-osd', 'ceph-common'],
  })
  const { accessKeyId = 'testkey', secretAccessKey = 'testsecret123', memoryBytes = 2 * 1024 ** 3 } = options
  const dir = await mkdtemp(join(tmpdir(), 'ceph-s3-'))
  for (const name of ['mon.a', 'osd.0', 'rgw']) await mkdir(join(dir, name))
  const [rgw, monV2, monV1, osd] = (await freePorts(4)) as [number, number, number, number]
  const ports: Ports = { rgw, monV2, monV1, osd }
  const fsid = randomUUID()
  const conf = join(dir, 'ceph.conf')
  await writeFile(conf, configuration({ dir, ports, fsid, memoryBytes }))
  const daemons = new Daemons(dir, conf)
  const stop = async (): Promise<void> => {
    await daemons.stop()
    await rm(dir, { recursive: true, force: true })
  }
  try {
    await startMonitor(daemons, { dir, ports, fsid })
    await startOsd(daemons)
    // The gateway only after its user exists: both create the zone, and that race costs seconds at random.
    const user = ['user', 'create', '--uid=test', '--display-name=test']
    await daemons.run('radosgw-admin', [...user, `--access-key=${accessKeyId}`, `--secret-key=${secretAccessKey}`])
    await daemons.spawn('radosgw', ['-f', '-n', 'client.rgw'])
    await untilListening(ports.rgw, () => daemons.check())
  } catch (error) {
    await stop()
    throw error
  }
  return { endpoint: `http://${HOST}:${ports.rgw}`, accessKeyId, secretAccessKey, region: 'us-east-1', stop }
}

async function startMonitor(
  daemons: Daemons,
  { dir, ports, fsid }: { readonly dir: string; readonly ports: Ports; readonly fsid: string },
): Promise<void> {
  const map = join(dir, 'monmap')
  const address = `[v2:${HOST}:${ports.monV2},v1:${HOST}:${ports.monV1}]`
  await run('monmaptool', ['--create', '--fsid', fsid, '--addv', 'a', address, map])
  await daemons.run('ceph-mon', ['--mkfs', '-i', 'a', '--monmap', map])
  await daemons.spawn('ceph-mon', ['-f', '-i', 'a'])
}

async function startOsd(daemons: Daemons): Promise<void> {
  const uuid = randomUUID()
  await daemons.run('ceph', ['osd', 'new', uuid])
  await daemons.run('ceph-osd', ['-i', '0', '--mkfs', '--osd-uuid', uuid, '--no-mon-config'])
  await daemons.run('ceph', ['osd', 'crush', 'add', 'osd.0', '1.0', 'root=default', 'host=h0'])
  await daemons.spawn('ceph-osd', ['-f', '-i', '0'])
}

/** The processes of one cluster. */
class Daemons {
  readonly #dir: string
  readonly #conf: string
  readonly #env: NodeJS.ProcessEnv
  readonly #running: { readonly name: string; readonly process: ChildProcess }[] = []

  constructor(dir: string, conf: string) {
    this.#dir = dir
    this.#conf = conf
    this.#env = { ...process.env, CEPH_CONF: conf }
  }

  /** Run a program to its end. */
  async run(name: string, args: readonly string[]): Promise<void> {
    await run(name, [...args, '-c', this.#conf], { env: this.#env, timeout: START_TIMEOUT_MS })
  }

  /** Start a program that stays. */
  async spawn(name: string, args: readonly string[]): Promise<void> {
    const log = await open(join(this.#dir, `${name}.out`), 'a')
    const child = spawn(name, [...args, '-c', this.#conf], { env: this.#env, stdio: ['ignore', log.fd, log.fd] })
    this.#running.push({ name, process: child })
    await log.close()
  }

  /** @throws Error with its last words, if one has ended */
  async check(): Promise<void> {
    const dead = this.#running.find(({ process: child }) => child.exitCode !== null || child.signalCode !== null)
    if (!dead) return
    const output = await readFile(join(this.#dir, `${dead.name}.out`), 'utf8')
    throw new Error(`${dead.name} ended: ${output.slice(-2000)}`)
  }

  async stop(): Promise<void> {
    for (const { process: child } of this.#running.splice(0).reverse()) {
      if (child.exitCode !== null || child.signalCode !== null) continue
      const ended = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGKILL') // nothing of it is to be kept
      await ended
    }
  }
}

async function untilListening(port: number, check: () => Promise<void>): Promise<void> {
  const tryOnce = (): Promise<boolean> =>
    new Promise((resolve) => {
      const socket = connect(port, HOST, () => {
        socket.destroy()
        resolve(true)
      }).on('error', () => resolve(false))
    })
  for (let waited = 0; waited < START_TIMEOUT_MS; waited += 50) {
    if (await tryOnce()) return
    await check()
    await sleep(50)
  }
  throw new Error(`radosgw did not listen on port ${port} within ${START_TIMEOUT_MS} ms`)
}

/** Ports free at this moment. All are held until all are known, so that they differ. */
/**
 * Three traps are avoided here. `ms mon client mode = crc`: with authentication off, the gateway (16 and later)
 * otherwise insists on a secure connection to the monitor and never gets one. `tcp_nodelay=1`: without it every GET
 * takes 40 ms (Nagle). `size = 1` pools with one placement group each: more would only cost start-up time.
 */
function configuration(options: {
  readonly dir: string
  readonly ports: Ports
  readonly fsid: string
  readonly memoryBytes: number
}): string {
  const { dir, ports, fsid, memoryBytes } = options
  return `[global]
fsid = ${fsid}
mon host = [v2:${HOST}:${ports.monV2},v1:${HOST}:${ports.monV1}]
public network = 127.0.0.0/8
cluster network = 127.0.0.0/8
auth cluster required = none
auth service required = none
auth client required = none
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon max pg per osd = 1000
mon data avail warn = 1
mon data avail crit = 0
osd objectstore = memstore
memstore device bytes = ${memoryBytes}
osd data = ${dir}/osd.0
mon data = ${dir}/mon.a
run dir = ${dir}
admin socket = ${dir}/$name.asok
log file = ${dir}/$name.log
pid file =
ms bind port min = ${ports.osd}
ms bind port max = ${Math.min(ports.osd + 200, 65535)}
paxos propose interval = 0.05
[client]
ms mon client mode = crc
[client.rgw]
rgw frontends = beast endpoint=${HOST}:${ports.rgw} tcp_nodelay=1
rgw data = ${dir}/rgw
rgw thread pool size = 64
rgw crypt require ssl = false
rgw crypt s3 kms backend = testing
rgw crypt s3 kms encryption keys = ${KMS_KEY_ID}=${KMS_KEY}
rgw gc max objs = 3
rgw lc max objs = 1
`
}
