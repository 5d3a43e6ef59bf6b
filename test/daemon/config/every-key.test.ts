import { describe, expect, it } from 'vitest'
import type { KeySet, ValueKey } from '../../../daemon/config/key.ts'
import { CONFIG_KEYS, DATABASE_KEYS } from '../../../daemon/config/keys.ts'
import { REPLICA_KEYS, REPLICA_SETTING_KEYS } from '../../../daemon/config/replica-keys.ts'
import { mistakesOf, oneDatabase, parse } from './support.ts'

/** What a replica of each type cannot do without. */
const REQUIRED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  file: { path: '/backups/app' },
  s3: { type: 's3', bucket: 'b' },
  abs: { type: 'abs', bucket: 'b' },
  sftp: { type: 'sftp', host: 'h', user: 'u' },
  webdav: { type: 'webdav', 'webdav-url': 'http://h' },
  nats: { type: 'nats', bucket: 'b', 'client-cert': '/c', 'client-key': '/k' },
}

interface Case {
  readonly name: string
  readonly key: ValueKey
  /** A file in which the key has this value. */
  readonly file: (value: string) => string
}

function values(keys: KeySet, path: string, file: (lines: readonly string[]) => string): Case[] {
  return Object.entries(keys).flatMap(([name, key]): Case[] => {
    const full = path === '' ? name : `${path}.${name}`
    if (key.kind === 'map') return values(key.keys, full, (lines) => file([`${name}: {${lines.join(', ')}}`]))
    if (key.kind === 'list')
      return name === 'levels' ? values(key.keys, full, (lines) => file([`${name}: [{${lines.join(', ')}}]`])) : []
    return [{ name: full, key, file: (value) => file([`${name}: ${value}`]) }]
  })
}

const top = values(CONFIG_KEYS, '', (lines) => `${lines.join('\n')}\n`).filter(
  ({ name }) => !(name.split('.')[0]! in REPLICA_SETTING_KEYS),
)
const database = values(DATABASE_KEYS, 'dbs', (lines) => {
  const name = lines[0]!.replace(/:.*/, '')
  const inFolder = ['dir', 'pattern', 'recursive', 'watch', 'meta-dir'].includes(name)
  const others = inFolder ? ['dir: /d', 'pattern: "*"'] : ['path: /d/a.db']
  return oneDatabase([...others.filter((line) => !line.startsWith(`${name}:`)), ...lines], ['path: /backups/app'])
}).filter(({ name }) => !name.startsWith('dbs.replica'))
const replica = values(REPLICA_KEYS, 'replica', (lines) => {
  const name = lines[0]!.replace(/:.*/, '')
  const { about } = REPLICA_KEYS[name as keyof typeof REPLICA_KEYS]
  const required = { ...REQUIRED[/^(s3|abs|sftp|webdav|nats)\b/.exec(about)?.[1] ?? 'file'] }
  delete required[name]
  if (name === 'url') delete required.path
  return oneDatabase(
    ['path: /d/a.db'],
    [...Object.entries(required).map(([key, value]) => `${key}: ${value}`), ...lines],
  )
})
const cases = [...top, ...database, ...replica]

it('there are the keys of every section', () => {
  expect(cases.length).toBeGreaterThan(85)
  for (const name of ['addr', 'levels.interval', 'dbs.snapshot.retention', 'replica.age.recipients', 'replica.tls']) {
    expect(cases.map((one) => one.name)).toContain(name)
  }
})

describe.each(cases)('$name', ({ name, key, file }) => {
  it('takes its example', () => {
    const { warnings } = parse(file(key.good))
    const expected = key.unused ? ['has no effect'] : []
    const about = warnings.filter(({ message }) => /unknown|has no effect$|has no effect:/.test(message))
    expect(about.map(({ message }) => /has no effect/.exec(message)?.[0] ?? message)).toEqual(expected)
  })

  it('is as good as absent without a value', () => {
    const isNeeded =
      key.required || /^dbs\.(path|dir|pattern)$|^replica\.(url|path|bucket|host|user|webdav-url|client-.*)$/.test(name)
    if (isNeeded) expect(mistakesOf(file('')).join('\n')).toMatch(/missing|expected pattern/)
    else expect(parse(file('')).warnings.filter(({ message }) => message.includes('unknown'))).toEqual([])
  })

  it('refuses a bad value where it stands', () => {
    if (key.bad === undefined) {
      // Any text will do: then a list will not.
      expect(mistakesOf(file('[a]')).join('\n')).toContain(`${name.split('.').at(-1)}: expected `)
      return
    }
    const text = file(key.bad)
    const last = name.split('.').at(-1)!
    const lines = text.split('\n').slice(0, name === 'dbs.path' ? 3 : undefined)
    const line = lines.findLastIndex((one) => new RegExp(`(^|[ {])${last}:`).test(one)) + 1
    const [first] = mistakesOf(text)
    expect(first).toMatch(new RegExp(`^${line}:\\d+: `))
    if (!first!.includes('YAML') && !first!.includes('age')) expect(first).toContain(last)
  })
})

/** Those are told by the store, not by the configuration; or are words. */
const NOT_HERE =
  /replica\.(type|part-size|concurrent-writes|sign-payload|skip-verify|tls|max-reconnects|reconnect-wait|timeout|sse-.*)$/
const withDefault = cases.filter(({ name, key }) => /^[\w./]+$/.test(key.default ?? '') && !NOT_HERE.test(name))

it('many keys have a default', () => expect(withDefault.length).toBeGreaterThan(30))

it.each(withDefault)('$name has the default that it says', ({ key, file }) => {
  expect(parse(file(key.default!)).config).toEqual(parse(file('')).config)
})
