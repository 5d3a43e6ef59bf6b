import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseSync } from 'rolldown/utils'
import { expect, test } from 'vitest'
import * as web from '../../entry/web.ts'
import * as node from '../../index.ts'

const ROOT = join(import.meta.dirname, '../..')

/** What a module of ours exports: names, and whether each is a type alone. Other modules it is followed into. */
function exportsOf(path: string): Map<string, 'type' | 'value'> {
  const names = new Map<string, 'type' | 'value'>()
  const { program, errors } = parseSync(path, readFileSync(path, 'utf8'), { lang: 'ts' })
  if (errors.length > 0) throw new Error(`${path}: ${errors[0]!.message}`)
  for (const node of program.body) {
    if (node.type === 'ExportDefaultDeclaration') names.set('default', 'value')
    else if (node.type === 'ExportAllDeclaration') {
      if (node.exported) throw new Error(`${path}: export * as is not followed`)
      for (const [name, kind] of exportsOf(join(dirname(path), node.source.value))) names.set(name, kind)
    } else if (node.type === 'ExportNamedDeclaration') {
      for (const { exported, exportKind } of node.specifiers) {
        const name = exported.type === 'Literal' ? exported.value : exported.name
        names.set(name, node.exportKind === 'type' || exportKind === 'type' ? 'type' : 'value')
      }
      const { declaration, exportKind: kind = 'value' } = node
      if (declaration?.type === 'VariableDeclaration') {
        for (const { id } of declaration.declarations) if (id.type === 'Identifier') names.set(id.name, kind)
      } else if (declaration && 'id' in declaration && declaration.id?.type === 'Identifier') {
        names.set(declaration.id.name, kind)
      }
    }
  }
  return names
}

function named(path: string, kind: 'type' | 'value'): string {
  const names = [...exportsOf(join(ROOT, path))].filter(([, found]) => found === kind).map(([name]) => name)
  return names.sort().join(' ')
}

/** `name: function`, sorted. */
function kinds(module: object): string[] {
  return Object.entries(module)
    .map(([name, value]) => `${name}: ${/^class /.test(String(value)) ? 'class' : typeof value}`)
    .sort()
}

const READING_TYPES = [
  'BridgeKind Budget Cost CostEstimate Database DatabaseState HydrationProgress Lag LtxFileInfo Pgno',
  'Queries QueryOptions ReplicaClient ReplicaErrorCode ReplicaErrorContext Row RowFormat Source SqlParameter SqlParameters',
  'SqlValue StateTarget Statement StorageErrorAt StorageErrorCode StorageErrorOptions TXID VfsErrorCode VfsErrorContext When',
]
const READING_VALUES = [
  'PAGE_CACHED: number',
  'PAGE_CHANGED: number',
  'ReplicaError: class',
  'StorageError: class',
  'VfsError: class',
  'formatTXID: function',
  'isReplicaError: function',
  'isStorageError: function',
  'isVfsError: function',
  'open: function',
  'parseTXID: function',
]
const NODE_TYPES = [
  'DiskCacheProblem DiskCacheProblemCode FollowEvent FollowOptions IntegrityCheck Log LogFields OpenOptions OpenReplicaOptions',
  'ReplicaURL ReplicatorOptions ReplicatorSettings RestoreOptions RestoreProgress RestoreResult WriterErrorCode WriterErrorContext',
]
const NODE_VALUES = [
  'Replicator: class',
  'WriterError: class',
  'follow: function',
  'isWriterError: function',
  'openReplica: function',
  'parseReplicaURL: function',
  'resetLocalState: function',
  'restore: function',
]

/** The names of some lines, sorted. */
function words(...lines: readonly string[]): string {
  return lines.join(' ').split(' ').sort().join(' ')
}

// A name more or less is a change of the package's surface: of its documentation and its CHANGELOG, too.
test('what the package exports in Node', () => {
  expect(kinds(node)).toEqual([...READING_VALUES, ...NODE_VALUES].sort())
  expect(named('index.ts', 'value')).toBe(Object.keys(node).sort().join(' '))
  expect(named('index.ts', 'type')).toBe(words(...READING_TYPES, ...NODE_TYPES))
})

test('what it exports in browsers', () => {
  expect(kinds(web)).toEqual(READING_VALUES)
  expect(named('entry/web.ts', 'value')).toBe(Object.keys(web).sort().join(' '))
  expect(named('entry/web.ts', 'type')).toBe(words(...READING_TYPES, 'OpenOptions'))
})

test('what it exports in Workers', () => {
  // Its wasm comes as modules, which only Workers have: it is not run here.
  expect(named('entry/worker.ts', 'value')).toBe(
    words(...READING_VALUES.map((line) => line.split(':')[0]!), 'r2Replica'),
  )
  expect(named('entry/worker.ts', 'type')).toBe(words(...READING_TYPES, 'OpenOptions R2BucketLike'))
})

test('the guards know errors by their brands, also of another copy of the package', () => {
  const { isReplicaError, isStorageError, isVfsError, isWriterError } = node
  const errors = {
    ReplicaError: [new node.ReplicaError('REPLICA_EMPTY', 'x'), isReplicaError, 'REPLICA_EMPTY', 'REPLICA_CLOSED'],
    StorageError: [new node.StorageError('STORAGE_IO', 'x'), isStorageError, 'STORAGE_IO', 'STORAGE_CLOSED'],
    VfsError: [new node.VfsError('VFS_USAGE', 'x'), isVfsError, 'VFS_USAGE', 'VFS_CLOSED'],
    WriterError: [new node.WriterError('WRITER_USAGE', 'x'), isWriterError, 'WRITER_USAGE', 'WRITER_IO'],
  } as const
  for (const [name, [error, guard, code, other]] of Object.entries(errors)) {
    const is = guard as (error: unknown, ...codes: string[]) => boolean
    const copy = Object.assign(new Error('x'), { code, [Symbol.for(`litetap.${name}`)]: true })
    for (const one of [error, copy]) {
      expect([is(one), is(one, code), is(one, other), is(one, other, code)], name).toEqual([true, true, false, true])
    }
    for (const none of [undefined, null, code, new Error('x'), { code }]) expect(is(none), name).toBe(false)
    for (const [theirs, [foreign]] of Object.entries(errors)) expect(is(foreign)).toBe(theirs === name)
  }
})
