import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadConfig } from '../../daemon/config/load-config.ts'
import { isDaemonError } from '../../daemon/errors.ts'
import { litestreamBinary } from './litestream.ts'
import { childEnv } from './process.ts'

const dir = mkdtempSync(join(tmpdir(), 'litetap-config-'))
let litestream: string

beforeAll(async () => {
  litestream = await litestreamBinary('0.5.16')
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

const ENV = { A_PATH: '/d/a.db', A_TRUTH: 'yes', A_PAIR: 'path: /r' }
type Line = { readonly path: string; readonly replica: string }

/** What `litestream databases` lists; undefined where it refuses the file. */
function theirs(file: string): Promise<readonly Line[] | undefined> {
  return new Promise((resolve) => {
    execFile(litestream, ['databases', '-json', '-config', file], { cwd: dir, env: childEnv(ENV) }, (error, stdout) => {
      resolve(error ? undefined : (JSON.parse(stdout) as Line[]))
    })
  })
}

function ours(file: string): readonly Line[] | undefined {
  try {
    const { config } = loadConfig(file, { env: ENV, cwd: dir })
    return config.databases.flatMap((entry) =>
      entry.kind === 'database' ? [{ path: entry.path, replica: entry.replica.type }] : [],
    )
  } catch (error) {
    if (isDaemonError(error, 'DAEMON_CONFIG')) return undefined
    throw error
  }
}

async function both(text: string) {
  const file = join(dir, 'litestream.yml')
  writeFileSync(file, text)
  return { theirs: await theirs(file), ours: ours(file) }
}

const db = (replica: string, rest = ''): string => `dbs: [{path: /d/a.db, ${rest} replica: {${replica}}}]`

const ACCEPTED: readonly string[] = [
  '',
  '# nothing\n',
  'dbs:\n',
  'dbs: []',
  db('path: /r'),
  db('path: ~/r'),
  'dbs: [{path: $A_PATH, replica: {$A_PAIR}}]',
  `dbs: [{path: "\${A_PATH}$NONE", replica: {path: "/r\${}"}}]`,
  'dbs: [{path: sqlite:///d/a.db, replicas: [{path: /r}]}]',
  'dbs: [{path: a.db, replica: {path: r}}]',
  ...[
    's3://b/p',
    'gs://b/p',
    'abs://a@c/p',
    'sftp://u:p@h/p',
    'webdav://h/p',
    'webdavs://h/p',
    'nats://h/b',
    'oss://b/p',
    'file:///r',
  ].map((url) => db(`url: "${url}"`)),
  db('type: s3, bucket: b'),
  db('type: nats, url: "nats://h:4222", bucket: b'),
  db('type: gs, url: "s3://b/p"'),
  db('type: sftp, host: h, user: u, path: /p'),
  db('type: webdav, webdav-url: "http://h"'),
  db('url: "s3://b/p", part-size: 10 MiB, concurrency: 4'),
  db('url: "s3://b/p", secret-access-key: 123, access-key-id: yes'),
  db('path: /r, force-path-style: y, sign-payload: off, tls: $A_TRUTH'),
  db('path: /r', 'monitor-interval: "5s", busy-timeout: 0, checkpoint-interval: 1h2m3s,'),
  db('path: /r', 'min-checkpoint-page-count: 1_000, truncate-page-n: -1, max-sync-wal-bytes: 0x10,'),
  `socket: {permissions: 0600}\n${db('path: /r')}`,
  `socket: {permissions: 0o600}\n${db('path: /r')}`,
  `levels: [{interval: 1m}]\nsnapshot: {interval: 1h}\nretention: {enabled: no}\n${db('path: /r')}`,
  `unknown: 1\n${db('path: /r, nothing: {a: b}')}`,
  `exec: a\nexec: b\n${db('path: /r')}`,
  'd: &d {busy-timeout: 1s, replica: {type: s3, bucket: b}}\ndbs: [{<<: *d, path: /d/a.db, replica: {path: p}}]',
  'd: &d {type: s3, bucket: b}\ne: &e {type: gs}\ndbs: [{path: /d/a.db, replica: {<<: [*e, *d]}}]',
  `region: eu\nage: {recipients: []}\n${db('url: "s3://b/p"')}`,
  `${db('path: /r')}\n---\n- another`,
]

const REFUSED: readonly string[] = [
  '- a',
  'hello',
  'dbs:\n\t- path: /a',
  'addr: "x',
  'exec: *.db',
  'dbs: {path: /a}',
  'dbs: [{replica: {path: /r}}]',
  'dbs: [{path: /d/a.db}]',
  'dbs: [{path: /d/a.db, replica: {path: /r}, replicas: [{path: /q}]}]',
  'dbs: [{path: /d/a.db, replicas: [{path: /r}, {path: /q}]}]',
  'dbs: [{path: /a, dir: /b, replica: {path: /r}}]',
  'dbs: [{dir: /b, replica: {path: /r}}]',
  db('path: /r', 'watch: true,'),
  db('path: /r', 'meta-dir: /m,'),
  db('path: "s3://b/p"'),
  db('type: ftp, path: /r'),
  db('url: "https://h/p"'),
  db('type: s3'),
  db('type: sftp, host: h'),
  db('url: "s3://b/p", path: q'),
  db('url: "s3://b/p", bucket: q'),
  db('url: "sftp://u@h/p", host: q'),
  db('url: "nats://h/b", client-cert: /c'),
  db('path: /r, age: {identities: [x]}'),
  db('path: /r, sync-interval: 0s'),
  db('path: /r, tls: maybe'),
  db('path: /r, tls: "true"'),
  db('path: /r, part-size: large'),
  db('path: /r, root-cas: /ca'),
  db('url: "s3://b/p", sse-customer-key-path: /nowhere/key'),
  db('path: /r', 'busy-timeout: soon,'),
  db('path: /r', 'min-checkpoint-page-count: many,'),
  db('path: /r', 'snapshot: {interval: 0s},'),
  `bucket: b\n${db('url: "s3://b/p"')}`,
  `age: {recipients: [x]}\n${db('path: /r')}`,
  'heartbeat-interval: 59s',
  'heartbeat-url: beat',
  'shutdown-sync-timeout: -1s',
  'shutdown-sync-interval: 0s',
  'l0-retention-check-interval: 0s',
  'l0-retention: -1s',
  'levels: [{interval: 0s}]',
  'levels: [{}]',
  'snapshot: {retention: 0s}',
  'dbs: [{path: /a, snapshot: {interval: 1h}, replica: {path: /b}}, {path: /c, snapshot: {interval: 2h}, replica: {path: /d}}]',
  'socket: &a {<<: *a}',
]

describe('both programs accept, and list the same', () => {
  it.each(ACCEPTED)('%j', async (text) => {
    const result = await both(text)
    expect(result.theirs).toBeDefined()
    expect(result.ours).toEqual(result.theirs)
  })
})

describe('both programs refuse', () => {
  it.each(REFUSED)('%j', async (text) => {
    expect(await both(text)).toEqual({ theirs: undefined, ours: undefined })
  })
})
