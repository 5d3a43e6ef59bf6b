import { expect, test } from 'vitest'
import { configuredDatabase } from '../../daemon/configured-databases.ts'
import { parse } from './config/support.ts'

const { config } = parse(`dbs:
  - {dir: /data, pattern: "*.db", replica: {path: /flat}}
  - {dir: /deep, pattern: "*.db", recursive: true, replica: {path: /deep-replica}}
  - {path: /data/named.db, replica: {path: /named}}
  - {dir: /meta, pattern: "*", meta-path: /state, replica: {path: /m}}
`)

test.each([
  ['/data/a.db', '/flat/a.db'],
  ['/data/named.db', '/named'],
  ['/deep/a.db', '/deep-replica/a.db'],
  ['/deep/x/y/a.db', '/deep-replica/x/y/a.db'],
])('%s is replicated to %s, whether it is there or not', (path, replica) => {
  expect(configuredDatabase(config, path)?.replica).toEqual({ type: 'file', path: replica })
})

test('local state lies where the folder says', () => {
  expect(configuredDatabase(config, '/meta/a.db')?.metaPath).toBe('/state/.a.db-litestream')
})

test.each([
  '/data',
  '/data/',
  '/data/a.db-wal',
  '/data/a.sqlite',
  '/data/x/a.db',
  '/database/a.db',
  '/deep/.a.db-litestream/b.db',
  '/a.db',
])('%s is of no entry', (path) => {
  expect(configuredDatabase(config, path)).toBeUndefined()
})
