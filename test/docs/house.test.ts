import { globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ROOT } from '../deploy/support.ts'

/** What a folder may import, beside itself. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  arguments: [],
  ltx: [],
  pagecache: [],
  storage: ['ltx', 'arguments'],
  replica: ['ltx', 'pagecache', 'storage', 'arguments'],
  vfs: ['ltx', 'pagecache', 'replica', 'arguments'],
  writer: ['ltx', 'pagecache', 'storage', 'replica', 'arguments'],
  gateway: ['ltx', 'storage', 'replica', 'arguments'],
  daemon: ['ltx', 'storage', 'replica', 'vfs', 'writer', 'gateway', 'pagecache', 'arguments'],
  cli: ['ltx', 'storage', 'replica', 'vfs', 'writer', 'gateway', 'daemon', 'entry', 'pagecache', 'arguments'],
  entry: ['ltx', 'pagecache', 'storage', 'replica', 'vfs', 'writer', 'arguments'],
}

/** The surface of a folder beside every `index.ts`: what only some runtimes can load, and what is loaded late on purpose. */
const SURFACES: Readonly<Record<string, readonly string[]>> = {
  vfs: ['load-node.ts', 'load-web.ts'],
  storage: [
    'node.ts',
    'web.ts',
    // of settings and URLs, for those who read them from a configuration
    'redact-url.ts',
    'replica-settings.ts',
    's3-url.ts',
    's3/settings.ts',
    'url.ts',
  ],
  // small parts for a command line that should not load a daemon to start
  daemon: [
    'commands/humanize.ts',
    'commands/timestamp.ts',
    'config/config.ts',
    'config/duration.ts',
    'config/expand-path.ts',
    'config/load-config.ts',
    'config/size.ts',
  ],
  entry: ['open.ts'],
}

/** Rooms of a folder from the lowest floor up; those of one floor do not know each other. '' are its own files. */
const FLOORS: Readonly<Record<string, readonly (readonly string[])[]>> = {
  replica: [['core'], ['plan', 'ahead'], ['state'], ['pages'], ['published'], ['']],
  vfs: [['trampoline'], ['engine'], ['connection'], ['ahead'], ['']],
}

interface Import {
  readonly from: string
  readonly to: string
}

/** Imports of our own files, types too, and what is imported when it is needed. */
function importsOf(file: string, text: string): Import[] {
  const found = text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*'(\.{1,2}\/[^']+\.ts)'/g)
  return [...found].map(([, path]) => ({ from: file, to: normalize(join(dirname(file), path!)) }))
}

function folderOf(path: string): string {
  return path.includes('/') ? path.slice(0, path.indexOf('/')) : ''
}

function roomOf(path: string): string {
  const parts = path.split('/')
  return parts.length > 2 ? parts[1]! : ''
}

function floorOf(path: string): number {
  return FLOORS[folderOf(path)]!.findIndex((rooms) => rooms.includes(roomOf(path)))
}

function wrongFolder({ from, to }: Import): boolean {
  const [above, below] = [folderOf(from), folderOf(to)]
  return above !== below && !MAY_IMPORT[above]!.includes(below)
}

function pastSurface({ from, to }: Import): boolean {
  const folder = folderOf(to)
  if (folderOf(from) === folder || to.endsWith('/index.ts')) return false
  return !(SURFACES[folder] ?? []).includes(to.slice(folder.length + 1))
}

function upstairs({ from, to }: Import): boolean {
  if (folderOf(from) !== folderOf(to) || FLOORS[folderOf(from)] === undefined) return false
  const [above, below] = [floorOf(from), floorOf(to)]
  return below > above || (below === above && roomOf(from) !== roomOf(to))
}

const folders = Object.keys(MAY_IMPORT)
const files = globSync(`{${folders.join(',')}}/**/*.ts`, { cwd: ROOT }).filter((file) => !file.endsWith('.as.ts'))
const imports = files.flatMap((file) => importsOf(file, readFileSync(join(ROOT, file), 'utf8')))

const shown = ({ from, to }: Import): string => `${from} imports ${to}`

describe('the house', () => {
  test('folders import one way', () => {
    expect(imports.length).toBeGreaterThan(1000)
    expect(imports.filter(wrongFolder).map(shown)).toEqual([])
  })

  test('what a folder offers to others is its surface', () => {
    expect(imports.filter(pastSurface).map(shown)).toEqual([])
  })

  test('rooms of replica/ and vfs/ import down the floors only', () => {
    const rooms = new Set(
      files.filter((file) => FLOORS[folderOf(file)]).map((file) => `${folderOf(file)}/${roomOf(file)}`),
    )
    const known = Object.entries(FLOORS).flatMap(([folder, floors]) => floors.flat().map((room) => `${folder}/${room}`))
    expect([...rooms].sort()).toEqual(known.sort())
    expect(imports.filter(upstairs).map(shown)).toEqual([])
  })

  test('node:* is imported only where Node runs', () => {
    const allowed =
      /^(storage\/(?!body|range|url)|pagecache\/disk|writer|daemon|gateway|cli|vfs\/load-node|entry\/(node|open|call-context))/
    const using = files.filter((file) => /from 'node:/.test(readFileSync(join(ROOT, file), 'utf8')))
    expect(using.filter((file) => !allowed.test(file))).toEqual([])
  })

  test('a wrong import is found', () => {
    const of = (file: string, path: string): Import => importsOf(file, `import { x } from '${path}'`)[0]!
    expect(wrongFolder(of('ltx/a.ts', '../storage/index.ts'))).toBe(true)
    expect(pastSurface(of('vfs/database.ts', '../replica/state/snapshot.ts'))).toBe(true)
    expect(upstairs(of('vfs/engine/engine.ts', '../connection/lease.ts'))).toBe(true)
    expect(upstairs(of('replica/plan/a.ts', '../ahead/trees.ts'))).toBe(true)
    expect(upstairs(importsOf('vfs/engine/a.ts', "const x = await import('../database.ts')")[0]!)).toBe(true)
    expect(upstairs(of('vfs/connection/lease.ts', '../engine/errors.ts'))).toBe(false)
  })
})

/** Fields of a class; accessors and methods are none. */
function fieldsOf(text: string): { readonly name: string; readonly fields: number }[] {
  return [...text.matchAll(/^(?:export )?(?:abstract )?class (\w+)[^\n]*\{\n([\s\S]*?)^\}/gm)].map(
    ([, name, body]) => ({
      name: name!,
      fields: body!.match(/^ {2}(?:static |declare |override )*(?:readonly )?(?:#\w+|\w+)[?!]?(?::| =)/gm)?.length ?? 0,
    }),
  )
}

test('no class of the reader has more than twelve fields: who owns which state?', () => {
  const reader = files.filter((file) => /^(ltx|pagecache|replica|vfs|entry|arguments)\//.test(file))
  const large = reader.flatMap((file) =>
    fieldsOf(readFileSync(join(ROOT, file), 'utf8'))
      .filter(({ fields }) => fields > 12)
      .map(({ name, fields }) => `${file}: ${name} has ${fields}`),
  )
  expect(large).toEqual([])
  expect(fieldsOf('class A {\n  readonly a: number\n  #b = 1\n  get c(): number {\n  }\n}')).toEqual([
    { name: 'A', fields: 2 },
  ])
})
