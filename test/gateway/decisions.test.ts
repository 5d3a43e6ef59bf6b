import { describe, expect, test } from 'vitest'
import { isLoopback, isLoopbackName, parseAddress } from '../../gateway/address.ts'
import { parseRange } from '../../gateway/byte-range.ts'
import { Cors } from '../../gateway/cors.ts'
import { Tokens } from '../../gateway/index.ts'
import { addressKey, RateLimit } from '../../gateway/rate-limit.ts'
import { parseRoute } from '../../gateway/route.ts'

const FILE = '00000000000000ff-0000000000000100.ltx'

describe('parseRoute', () => {
  test('what there is', () => {
    const file = { level: 9, minTXID: 255n, maxTXID: 256n }
    expect(parseRoute(`/app/ltx/9/${FILE}`)).toEqual({ kind: 'ltx', database: 'app', file })
    expect(parseRoute(`/a.b-c_D9/ltx/9/${FILE}?x=/../`)).toEqual({ kind: 'ltx', database: 'a.b-c_D9', file })
    expect(parseRoute('/app/litetap/catalog.json')).toEqual({ kind: 'catalog', database: 'app' })
    expect(parseRoute('/app/litetap/events')).toEqual({ kind: 'events', database: 'app' })
    expect(['/', '/?q', '/health', '/metrics'].map((path) => parseRoute(path)?.kind)).toEqual([
      'index',
      'index',
      'health',
      'metrics',
    ])
  })

  test.each(['', '*', 'x', 'http://127.0.0.1/app/litetap/events', '//app/litetap/events', '//', '\\app', '?x', '#'])(
    '%j is no path',
    (target) => expect(parseRoute(target)).toBeUndefined(),
  )

  test.each([
    `/app/ltx/10/${FILE}`,
    `/app/ltx/-1/${FILE}`,
    `/app/ltx/0x1/${FILE}`,
    `/app/ltx/٣/${FILE}`,
    `/app/ltx/9/${FILE.toUpperCase()}`,
    `/app/ltx/9/${FILE}.tmp`,
    `/app/ltx/9/${FILE}/`,
    `/app/ltx/9/${FILE}%00`,
    `/app/ltx/9/${FILE}\0`,
    `/app/ltx/9/%30${FILE.slice(1)}`,
    '/app/ltx/9/0000000000000000-0000000000000001.ltx',
    '/app/ltx/9/0000000000000002-0000000000000001.ltx',
    `/app/ltx/9//${FILE}`,
    `/app//ltx/9/${FILE}`,
    `/./ltx/9/${FILE}`,
    `/../ltx/9/${FILE}`,
    `/.app/ltx/9/${FILE}`,
    `/a/b/ltx/9/${FILE}`,
    `/a%2fb/ltx/9/${FILE}`,
    `/app/ltx/9/../9/${FILE}`,
    `/app/ltx/9/..%2f9%2f${FILE}`,
    `/app/ltx/9\\${FILE}`,
    `/app/lock.json`,
    '/app/litetap/',
    '/app/litetap/catalog.json/',
    '/app/litetap/%63atalog.json',
    '/app/litetap/../litetap/events',
    '/app',
    '/health/',
    '/%2e%2e/health',
    `/${'x'.repeat(65)}/litetap/events`,
  ])('%j is nothing of ours', (target) => expect(parseRoute(target)).toEqual({ kind: 'other', path: target }))
})

describe('parseRange', () => {
  test.each([
    [undefined, 'whole'],
    ['', 'whole'],
    ['items=0-1', 'whole'],
    ['bytes=0-', [0, 1000]],
    ['bytes=0-0', [0, 1]],
    ['Bytes=10-19', [10, 20]],
    ['bytes= 10-19 ', [10, 20]],
    ['bytes=990-5000', [990, 1000]],
    ['bytes=999-9007199254740991', [999, 1000]],
    ['bytes=-1', [999, 1000]],
    ['bytes=-1000', [0, 1000]],
    ['bytes=-5000', [0, 1000]],
    ['bytes=1000-', 'unsatisfiable'],
    ['bytes=-0', 'unsatisfiable'],
    ['bytes=5-4', 'unsatisfiable'],
    ['bytes=', 'unsatisfiable'],
    ['bytes=-', 'unsatisfiable'],
    ['bytes=a-b', 'unsatisfiable'],
    ['bytes=1-2-3', 'unsatisfiable'],
    ['bytes=--1', 'unsatisfiable'],
    ['bytes=+1-2', 'unsatisfiable'],
    ['bytes=0x1-0x2', 'unsatisfiable'],
    ['bytes=1e1-1e2', 'unsatisfiable'],
    ['bytes=0-1,5-6', 'unsatisfiable'],
    ['bytes=99999999999999999999-', 'unsatisfiable'],
    ['bytes=0-99999999999999999999', 'unsatisfiable'],
  ])('%j', (header, expected) => {
    const range = parseRange(header, 1000)
    expect(range.kind === 'part' ? [range.start, range.end] : range.kind).toEqual(expected)
  })
})

describe('Tokens', () => {
  const [one, two, all] = ['one-one-one-one-one', 'two-two-two-two-two', 'all-all-all-all-all']
  const tokens = new Tokens(`# comment\n${one}: app\r\n\n ${two} : app , b ;${all}:*`, ['app', 'b', 'c'])
  const reads = (header: string | undefined): string => {
    const access = tokens.check(header)
    return typeof access === 'string' ? access : ['app', 'b', 'c'].filter((name) => access.includes(name)).join()
  }

  test.each([
    [undefined, 'none'],
    ['', 'wrong'],
    [`Bearer ${one}`, 'app'],
    [`bearer  ${two}`, 'app,b'],
    [`Bearer ${all}`, 'app,b,c'],
    [`Bearer ${one}x`, 'wrong'],
    [`Bearer ${one.slice(0, -1)}`, 'wrong'],
    [`Bearer ${one} ${two}`, 'wrong'],
    [`Basic ${one}`, 'wrong'],
    [one, 'wrong'],
    ['Bearer', 'wrong'],
    ['Bearer *', 'wrong'],
  ])('%j reads %s', (header, expected) => expect(reads(header)).toBe(expected))

  test.each([
    ['', 'There are no tokens: nobody could read'],
    ['# only\n', 'There are no tokens: nobody could read'],
    ['\nshort-secret: *', 'Cannot use line 2 of the tokens: a token has 16 characters at least'],
    [`${one}`, 'Cannot use line 1 of the tokens: it is not "TOKEN: NAME,NAME"'],
    [`${one}:`, 'Cannot use line 1 of the tokens: it names no database'],
    [`${one}: x`, 'Cannot use line 1 of the tokens: there is no database "x"'],
    [`${one}: app,`, 'Cannot use line 1 of the tokens: there is no database ""'],
    [`${one}: app\n${one}: *`, 'Cannot use line 2 of the tokens: the token is there twice'],
    ['söme-söme-söme-söme: *', 'Cannot use line 1 of the tokens: a token is made of letters, digits and -._~+/ only'],
  ])('%j is refused, and not repeated', (text, message) => {
    expect(() => new Tokens(text, ['app'])).toThrow(
      expect.objectContaining({ code: 'GATEWAY_BAD_TOKENS', message, hint: expect.stringContaining('TOKEN:') }),
    )
  })
})

test('a bucket fills at its rate, one for each address', () => {
  let now = 0
  const limit = new RateLimit({ perSecond: 2, burst: 3, now: () => now })
  expect([1, 2, 3, 4].map(() => limit.take('1.2.3.4'))).toEqual([0, 0, 0, 1])
  expect(limit.take('::ffff:1.2.3.4')).toBe(1)
  expect(limit.take('1.2.3.5')).toBe(0)
  now = 500
  expect([1, 2].map(() => limit.take('1.2.3.4'))).toEqual([0, 1])
  now = 1_000_000
  expect([1, 2, 3, 4].map(() => limit.take('1.2.3.4'))).toEqual([0, 0, 0, 1])
  const slow = new RateLimit({ perSecond: 0.1, burst: 1, now: () => now })
  expect([slow.take('a'), slow.take('a')]).toEqual([0, 10])
  const none = new RateLimit({ perSecond: 0, burst: 0, now: () => now })
  expect(none.take('a')).toBe(0)
  for (let i = 0; i < 50_000; i++) limit.take(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`) // and its memory is bounded
  expect([1, 2, 3, 4].map(() => limit.take('1.2.3.4'))).toEqual([0, 0, 0, 1])
})

test.each([
  ['127.0.0.1', '127.0.0.1'],
  ['::ffff:127.0.0.1', '127.0.0.1'],
  ['::1', '0:0:0:0'],
  ['2001:db8::5', '2001:db8:0:0'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  ['fe80::1%eth0', 'fe80:0:0:0'],
])('the address %s counts as %s', (address, key) => expect(addressKey(address)).toBe(key))

test('addresses to listen on', () => {
  expect(parseAddress('127.0.0.1:80')).toEqual({ host: '127.0.0.1', port: 80 })
  expect(parseAddress('[::1]:0')).toEqual({ host: '::1', port: 0 })
  expect(parseAddress('localhost:1')).toEqual({ host: '127.0.0.1', port: 1 })
  expect(parseAddress(':1')).toEqual({ host: '::', port: 1 })
  for (const text of ['', '80', 'a:b', '1.2.3.4', '::1:80', '1.2.3.4:70000', '[x]:1']) {
    expect(() => parseAddress(text)).toThrow(expect.objectContaining({ code: 'GATEWAY_BAD_OPTION' }))
  }
  const hosts = ['127.0.0.1', '127.9.9.9', '::1', '0.0.0.0', '::', '10.0.0.1', '127.0.0.1.evil.com', 'localhost', '']
  expect(hosts.filter(isLoopback)).toEqual(['127.0.0.1', '127.9.9.9', '::1'])
  const names = ['localhost:80', 'LOCALHOST', '127.0.0.1:1', '[::1]:1', '[::1]', 'evil.com', 'localhost.evil.com', '']
  expect(names.filter(isLoopbackName)).toEqual(names.slice(0, 5))
})

test('which pages may read', () => {
  const allowed = (cors: Cors, origin: string | undefined) => cors.headers(origin)['access-control-allow-origin']
  const any = new Cors(['*'])
  expect([allowed(any, 'https://a.b'), allowed(any, undefined)]).toEqual(['*', '*'])
  const some = new Cors(['https://a.b', 'http://c:8080'])
  const origins = ['https://a.b', 'http://c:8080', 'http://a.b', 'https://a.b:8443', 'https://x.a.b', 'null', undefined]
  expect(origins.map((origin) => allowed(some, origin))).toEqual([...origins.slice(0, 2), ...Array(5).fill(undefined)])
  expect(some.headers('https://x')).toEqual({ vary: 'origin' })
  const own = new Cors(undefined)
  const here = ['http://localhost:5173', 'http://127.0.0.1:1', 'http://[::1]:1']
  expect(here.map((origin) => allowed(own, origin))).toEqual(here)
  expect(['null', 'https://localhost.evil.com', 'x'].map((origin) => allowed(own, origin))).toEqual(
    Array(3).fill(undefined),
  )
  for (const origin of ['https://a.b/', 'a.b', '', 'https://*.a.b/x']) {
    expect(() => new Cors([origin])).toThrow(expect.objectContaining({ code: 'GATEWAY_BAD_OPTION' }))
  }
})
