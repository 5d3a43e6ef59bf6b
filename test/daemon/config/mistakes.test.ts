import { expect, it } from 'vitest'
import { mistakesOf, oneDatabase, parse, refusal } from './support.ts'

it.each([
  ['a tab', 'dbs:\n\t- path: /a', '2:1: YAML: a tab: indent with spaces'],
  [
    'an open quote',
    'addr: ":90',
    '1:11: YAML: something is missing before this: a closing quote or bracket, a comma, a : or a space after one',
  ],
  ['a list at the top', '- path: /a', '1:1: expected a map of settings, got a list; do databases stand below dbs:?'],
  ['a text at the top', 'hello', '1:1: expected a map of settings, got a text'],
  ['a list for a map', 'socket: [a]', '1:9: socket: expected a map of settings, got a list'],
  ['a map for a list', 'dbs: {path: /a}', '1:6: dbs: expected a list, got a map; does each entry begin with "- "?'],
  ['an alias of nothing', 'exec: *.db', '1:7: YAML: no such anchor above; a text that begins with * must be in quotes'],
  ['a bare number', 'l0-retention: 10', '1:15: l0-retention: expected a duration such as 1m, 0s or more, got "10"'],
  [
    'a decimal mode',
    'socket: {permissions: 600}',
    '1:23: socket.permissions: expected octal permissions such as 0600, got "600"',
  ],
  ['nine levels', `levels: [${'{interval: 1m},'.repeat(9)}]`, '1:130: levels: expected at most 8, got 9'],
  ['no path', 'dbs:\n  - replica: {path: /b}', '2:5: dbs[0]: expected path or dir, and both are missing'],
  ['no replica', 'dbs:\n  - path: /a', '2:5: dbs[0]: expected replica, and it is missing'],
  [
    'no pattern',
    oneDatabase(['dir: /a'], ['path: /b']),
    '3:5: dbs[0]: expected pattern beside dir, for example pattern: "*.db"',
  ],
  [
    'path and dir',
    oneDatabase(['path: /a', 'dir: /a'], ['path: /b']),
    '3:5: dbs[0]: path and dir exclude each other; dir is at line 4, column 5',
  ],
  [
    'meta-dir without dir',
    oneDatabase(['path: /a', 'meta-dir: /m'], ['path: /b']),
    '4:5: dbs[0].meta-dir: expected dir beside it; with path use meta-path',
  ],
  [
    'meta-path and meta-dir',
    oneDatabase(['dir: /a', 'pattern: x', 'meta-path: /m', 'meta-dir: /m'], ['path: /b']),
    '6:5: dbs[0]: meta-path and meta-dir exclude each other; meta-path is at line 5, column 5',
  ],
  [
    'watch without dir',
    oneDatabase(['path: /a', 'watch: true'], ['path: /b']),
    '4:5: dbs[0].watch: expected dir beside it, not path',
  ],
  [
    'url and path',
    oneDatabase(['path: /a'], ['url: s3://b/p', 'path: p']),
    '5:7: dbs[0].replica: url and path exclude each other; path is at line 6, column 7',
  ],
  [
    'no bucket',
    oneDatabase(['path: /a'], ['type: gs']),
    '4:5: dbs[0].replica: expected bucket, or url, and it is missing',
  ],
  ['no user', oneDatabase(['path: /a'], ['url: sftp://h/p']), '4:5: dbs[0].replica: expected user, and it is missing'],
  [
    'half a client certificate',
    oneDatabase(['path: /a'], ['url: nats://h/b', 'client-cert: /c']),
    '6:7: dbs[0].replica: client-cert and client-key go together, one is missing',
  ],
  [
    'a URL only to read',
    oneDatabase(['path: /a'], ['url: https://h/b']),
    '5:12: dbs[0].replica.url: expected a store that can be written to; https:// replicas can only be read',
  ],
  [
    'a small part',
    oneDatabase(['path: /a'], ['url: s3://b/p', 'part-size: 1MB']),
    '6:18: dbs[0].replica.part-size: expected 5MiB or more for s3, got 1000000 bytes',
  ],
  [
    'encryption',
    `age: {recipients: [age1]}\n${oneDatabase(['path: /a'], ['path: /b'])}`,
    '1:7: dbs[0].replica: age encryption is not supported; remove age, or encrypt in the bucket',
  ],
  [
    'a folder in nats',
    oneDatabase(['dir: /a', 'pattern: x'], ['url: nats://h/b']),
    '5:5: dbs[0].replica: nats has no paths below a bucket, so a dir cannot be replicated to it',
  ],
])('%s', (_, text, expected) => {
  expect(mistakesOf(text)).toContain(expected)
})

it('all mistakes are told at once, in order', () => {
  const text =
    'heartbeat-interval: 1s\naddr: nowhere\ndbs:\n  - path: /a\n    busy-timeout: soon\n    replica: {url: "x"}\n'
  expect(mistakesOf(text).map((line) => line.split(':').slice(0, 2).join(':'))).toEqual(['1:21', '2:7', '5:19', '6:20'])
  expect(refusal(text).at).toEqual({ path: '/etc/litestream.yml', line: 1, column: 21 })
})

const two = (first: string, second: string): string => `dbs:\n  - ${first}\n  - ${second}\n`

it.each([
  [
    'database',
    two('{path: /a, replica: {path: /b}}', '{path: ./../a, replica: {path: /c}}'),
    '3:12: dbs[1]: /a is there twice, first at line 2, column 12',
  ],
  [
    'replica',
    two('{path: /a, replica: {url: "s3://b/p"}}', '{path: /c, replica: {type: s3, bucket: b, path: p/}}'),
    '3:16: dbs[1]: another database has the same replica, at line 2, column 31; each needs its own',
  ],
  [
    'local state',
    two('{path: /a, meta-path: /m, replica: {path: /b}}', '{path: /c, meta-path: /m, replica: {path: /d}}'),
    '3:12: dbs[1]: another database has the same meta-path, /m, at line 2, column 12',
  ],
  [
    'snapshot times that differ',
    two(
      '{path: /a, snapshot: {interval: 1h}, replica: {path: /b}}',
      '{path: /c, snapshot: {interval: 2h}, replica: {path: /d}}',
    ),
    '3:37: snapshot.interval: databases must agree, and another has a different one at line 2, column 37',
  ],
])('the same twice: %s', (_, text, expected) => {
  expect(mistakesOf(text)).toContain(expected)
})

it('variables do not move what stands behind them', () => {
  const env = { LINES: 'a\n  b\n  c', LONG: 'x'.repeat(50) }
  expect(mistakesOf(`exec: "$LINES"\nregion: \${LONG}\naddr: nowhere`, env)).toEqual([
    '3:7: addr: expected host:port or :port, got "nowhere"',
  ])
  expect(mistakesOf(`region: $LONG\nsocket: {path: "\${LONG}", enabled: maybe}`, env)).toEqual([
    '2:36: socket.enabled: expected true or false, without quotes, got "maybe"',
  ])
})

it('no secret is in a message', () => {
  const secret = 'hunter2-secret'
  const texts = [
    `secret-access-key: [${secret}]`,
    `access-key-id: {a: ${secret}}`,
    `mcp-token: [${secret}]\nsas-token: "${secret}`,
    `dbs: "${secret}"`,
    `heartbeat-url: ${secret}`,
    `heartbeat-interval: $SECRET`,
    `dbs: [{path: /a, replica: {url: $SECRET}}]`,
    `dbs: [{path: /a, replica: {url: "sftp://me:${secret}@/p"}}]`,
    `dbs: [{path: /a, replica: "s3://k:${secret}@b/p"}]`,
    `dbs: [{path: /a, replica: {url: "s3://b/p", sse-customer-key: ${secret}}}]`,
    `dbs: [{path: /a, replica: {type: webdav, webdav-url: "me:${secret}@h"}}]`,
    `password: 'x'${secret}`,
    `password: "x\\q${secret}"`,
  ]
  for (const text of texts) expect(refusal(text, { SECRET: secret }).message).not.toContain(secret)
})

it('what a variable holds is in no message', () => {
  expect(mistakesOf('l0-retention: $SOON', { SOON: 'hunter2' })).toEqual([
    '1:15: l0-retention: expected a duration such as 1m, 0s or more, got "$SOON"',
  ])
  expect(JSON.stringify(parse('$PAIR', { PAIR: 'hunter2: a' }).warnings)).not.toContain('hunter2')
})

it.each([
  ['empty', '', '1:1 no database is configured (dbs)'],
  ['only comments', '# dbs:\n', '1:1 no database is configured (dbs)'],
  ['an unknown key', 'exce: a', '1:1 unknown key "exce", which is ignored; did you mean exec?'],
  ['a key of another place', 'url: s3://b/p', '1:1 unknown key "url", which is ignored; it belongs in a replica'],
  ['a key twice', 'exec: a\nexec: b', '2:1 "exec" is there twice, first at line 1, column 1: the last one counts'],
  [
    'an unset variable',
    'exec: a $NONE',
    '1:9 the environment has no NONE: it was replaced by nothing (-no-expand-env keeps every $ as it is)',
  ],
  [
    'a list of one replica',
    'dbs: [{path: /a, replicas: [{path: /b}]}]',
    '1:18 dbs[0].replicas is deprecated: write replica, without a list',
  ],
  [
    'half of a pair of keys',
    'access-key-id: a\ndbs: [{path: /a, replica: {url: "s3://b/p"}}]',
    '1:1 dbs[0].replica: access-key-id has no effect without secret-access-key',
  ],
  [
    'a type beside a URL',
    'dbs: [{path: /a, replica: {type: gs, url: "s3://b/p"}}]',
    '1:28 dbs[0].replica.type: gs has no effect, the URL says s3',
  ],
])('what works is a warning: %s', (_, text, expected) => {
  expect(parse(text, {}).warnings.map(({ line, column, message }) => `${line}:${column} ${message}`)).toContain(
    expected,
  )
})
