import { expect, it } from 'vitest'
import type { ReplicaSettings } from '../../../storage/replica-settings.ts'
import { oneDatabase, parse, SSE_KEY } from './support.ts'

const replicaOf = (lines: readonly string[], top = ''): ReplicaSettings =>
  parse(`${top}\n${oneDatabase(['path: /a'], lines)}`).config.databases[0]!.replica

it.each<[readonly string[], ReplicaSettings]>([
  [['path: ~/b'], { type: 'file', path: '/home/me/b' }],
  [['url: file:///b'], { type: 'file', path: '/b' }],
  [['url: s3://b/p', 'region: eu'], { type: 's3', bucket: 'b', path: 'p', region: 'eu' }],
  [
    ['type: s3', 'bucket: b', 'endpoint: http://h:1'],
    { type: 's3', bucket: 'b', path: '', endpoint: 'http://h:1', forcePathStyle: true },
  ],
  [
    ['url: s3://b/p', 'endpoint: http://h:1', 'force-path-style: false'],
    { type: 's3', bucket: 'b', path: 'p', endpoint: 'http://h:1', forcePathStyle: false },
  ],
  [
    ['url: s3://b/p', 'access-key-id: i', 'secret-access-key: 123'],
    { type: 's3', bucket: 'b', path: 'p', credentials: { accessKeyId: 'i', secretAccessKey: '123' } },
  ],
  [
    ['url: s3://b/p', 'sse-customer-key: c2hvcnQ=', 'sse-customer-key-path: /etc/key']
      .slice(0, 1)
      .concat('sse-customer-key-path: /etc/key'),
    { type: 's3', bucket: 'b', path: 'p', sseCustomerKey: SSE_KEY },
  ],
  [
    ['url: s3://b/p', 'part-size: 16MiB', 'concurrency: 0x10'],
    { type: 's3', bucket: 'b', path: 'p', partSize: 16_777_216, concurrency: 16 },
  ],
  [['url: gs://b/p'], { type: 'gs', bucket: 'b', path: 'p' }],
  [
    ['url: abs://acc@c/p', 'account-key: k'],
    { type: 'abs', bucket: 'c', path: 'p', accountName: 'acc', accountKey: 'k' },
  ],
  [
    ['url: sftp://u:pw@h:2/p', 'key-path: /k'],
    { type: 'sftp', host: 'h:2', user: 'u', password: 'pw', path: '/p', keyPath: '/k' },
  ],
  [['url: webdavs://u:pw@h/p'], { type: 'webdav', endpoint: 'https://h', user: 'u', password: 'pw', path: '/p' }],
  [
    ['url: nats://h:1/b', 'timeout: 3s', 'root-cas: [/ca]'],
    { type: 'nats', server: 'nats://h:1', bucket: 'b', timeoutMs: 3000, rootCAs: ['/ca'] },
  ],
  [['url: nats://h:1', 'bucket: b'], { type: 'nats', server: 'nats://h:1', bucket: 'b' }],
  [
    ['url: oss://b.oss-cn-hangzhou.aliyuncs.com/p', 'part-size: 100k'],
    {
      type: 'oss',
      bucket: 'b',
      path: 'p',
      region: 'cn-hangzhou',
      endpoint: 'https://oss-cn-hangzhou.aliyuncs.com',
      partSize: 100_000,
    },
  ],
])('replica %j', (lines, expected) => {
  expect(replicaOf(lines)).toEqual(expected)
})

it('settings at the top are defaults, but not all of them', () => {
  const top = 'region: eu\npart-size: 16MiB\nconcurrency: 9\nskip-verify: true\nstorage-class: IA'
  expect(replicaOf(['url: s3://b/p', 'storage-class: GLACIER', 'skip-verify: false'], top)).toEqual({
    type: 's3',
    bucket: 'b',
    path: 'p',
    region: 'eu',
    skipVerify: true,
    storageClass: 'GLACIER',
  })
})

it('a merge key brings in defaults, and maps of one name go together, as in yaml.v2', () => {
  const text =
    'd: &d\n  busy-timeout: 3s\n  replica: {type: s3, bucket: b}\ndbs:\n  - <<: *d\n    path: /a\n    replica: {path: p}\n'
  const [entry] = parse(text).config.databases
  expect(entry).toMatchObject({ replica: { type: 's3', bucket: 'b', path: 'p' }, settings: { busyTimeoutMs: 3000 } })
})

it('a database and a folder', () => {
  const [database, folder] = parse(
    'snapshot: {interval: 2h}\nsync-interval: 3s\ndbs:\n' +
      '  - {path: "sqlite:///d/a.db", meta-path: m, truncate-page-n: -1, restore-if-db-not-exists: on, replica: {path: r, sync-interval: 9s}}\n' +
      '  - {dir: ~/d, pattern: "*.db", recursive: y, watch: yes, meta-dir: /m, replica: {url: "s3://b/all"}}\n',
  ).config.databases
  expect(database).toMatchObject({
    kind: 'database',
    path: '/d/a.db',
    metaPath: '/here/m',
    restoreIfMissing: true,
    replica: { path: '/here/r' },
    settings: { truncatePages: 0, syncIntervalMs: 9000, snapshotIntervalMs: 7_200_000 },
  })
  expect(folder).toMatchObject({
    kind: 'directory',
    dir: '/home/me/d',
    pattern: '*.db',
    recursive: true,
    watch: true,
    metaDir: '/m',
    replica: { bucket: 'b', path: 'all' },
    settings: { truncatePages: 121_359, syncIntervalMs: 3000 },
  })
})

it('snapshot times of databases count for all when there are none at the top', () => {
  const { config } = parse(
    'dbs:\n  - {path: /a, snapshot: {retention: 72h}, replica: {path: /b}}\n  - {path: /c, replica: {path: /d}}\n',
  )
  expect(config.databases.map(({ settings }) => settings.snapshotRetentionMs)).toEqual([259_200_000, 259_200_000])
  expect(config.defaults.snapshotRetentionMs).toBe(259_200_000)
})

it('what concerns the daemon', () => {
  const { config } = parse(
    'addr: ":9090"\nmcp-addr: "localhost:3001"\nmcp-token: t\nexec: run it\nlevels: [{interval: 10s}, {interval: 1m30s}]\n' +
      'socket: {enabled: on, path: /s, permissions: 0o660}\nvalidation: {interval: 1h}\nheartbeat-url: http://h/\n' +
      'logging: {level: DEBUG, type: json, stderr: true}\nl0-retention: 0\nretention: {enabled: no}\n',
  )
  expect(config).toMatchObject({
    addr: ':9090',
    mcpAddr: 'localhost:3001',
    mcpToken: 't',
    exec: 'run it',
    levels: [
      { level: 1, intervalMs: 10_000 },
      { level: 2, intervalMs: 90_000 },
    ],
    socket: { enabled: true, path: '/s', permissions: 0o660 },
    validationIntervalMs: 3_600_000,
    heartbeat: { url: 'http://h/', intervalMs: 300_000 },
    logging: { level: 'debug', type: 'json', stderr: true, source: false },
    defaults: { l0RetentionMs: 0, retentionEnabled: false },
  })
})

it.each([
  ['$A-$B', 'x-'],
  [`\${A}b`, 'xb'],
  ['a$', 'a$'],
  ['$ $', '$ $'],
  [`\${}a`, 'a'],
  [`\${a`, 'a'],
  ['$1a', 'a'],
  ['$$A', 'A'],
  ['$-a', 'a'],
  [`\${*}a`, 'a'],
  ['$é', '$é'],
])('%s is expanded as Go does', (text, expected) => {
  expect(parse(`exec: '.${text}'`, { A: 'x' }).config.exec).toBe(`.${expected}`)
})

it('without expansion $ is nothing special', () => {
  expect(parse('exec: echo $A').config.exec).toBe('echo $A')
})
