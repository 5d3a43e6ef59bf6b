// Instrument the published sqlite3.wasm with Binaryen's Asyncify, so that SQLite's C stack can be unwound while a page is
// fetched and rewound when it is there: how runtimes without JSPI wait. Takes a core about a minute; does nothing where
// nothing has changed; `--force` builds anyway.
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { Border, instantiate } from '../vfs/engine/border.ts'
import { Heap } from '../vfs/engine/heap.ts'
import { createMemory, wasmImports } from '../vfs/engine/wasm-imports.ts'

const root = join(import.meta.dirname, '..')
const require = createRequire(import.meta.url)
const run = promisify(execFile)

/** The binary as SQLite's project publishes it. */
export const STOCK_SQLITE = require.resolve('@sqlite.org/sqlite-wasm/sqlite3.wasm')
/** Outside of dist/, which every build wipes. */
export const ASYNCIFY_SQLITE = join(root, 'build/asyncify/sqlite3-asyncify.wasm')

const OPTIMIZER: string = require.resolve('binaryen/bin/wasm-opt')
const OPTIMIZER_VERSION: string = JSON.parse(readFileSync(require.resolve('binaryen/package.json'), 'utf8')).version
/** What the stock binary is compiled with. */
const FEATURES = [
  'bulk-memory',
  'bulk-memory-opt',
  'multivalue',
  'mutable-globals',
  'nontrapping-float-to-int',
  'reference-types',
  'sign-ext',
].map((feature) => `--enable-${feature}`)
/**
 * No import of SQLite's suspends by itself (`e.none` does not exist); only indirect calls, the methods of the VFS among
 * them, may. Optimised before, so that there is less to save at each call, and after, because Asyncify's code is naive.
 */
const FLAGS = [...FEATURES, '-O3', '--asyncify', '--pass-arg=asyncify-imports@e.none', '-O3']

/** What Asyncify adds. */
const ADDED_EXPORTS = ['start_unwind', 'stop_unwind', 'start_rewind', 'stop_rewind', 'get_state'].map(
  (name) => `asyncify_${name}`,
)

/** Whether the binary is there, whole, and made from what would be used now. Its stamp is beside it. */
export function asyncifyIsBuilt(path = ASYNCIFY_SQLITE): boolean {
  const stampPath = `${path}.stamp`
  return existsSync(path) && existsSync(stampPath) && readFileSync(stampPath, 'utf8') === stampOf(readFileSync(path))
}

/**
 * Build `ASYNCIFY_SQLITE`, unless it is built. The same bytes each time.
 *
 * @param force build anyway
 * @throws Error with the optimizer's messages, or saying what is wrong with what it made
 */
export async function buildAsyncify(force: boolean): Promise<void> {
  if (!force && asyncifyIsBuilt()) return
  console.log('sqlite3-asyncify.wasm: instrumenting SQLite, about a minute, once')
  mkdirSync(dirname(ASYNCIFY_SQLITE), { recursive: true })
  const temporary = `${ASYNCIFY_SQLITE}.${process.pid}`
  try {
    await run(process.execPath, [OPTIMIZER, STOCK_SQLITE, ...FLAGS, '-o', temporary])
    const stock = readFileSync(STOCK_SQLITE)
    const made = readFileSync(temporary)
    await check(new WebAssembly.Module(stock), new WebAssembly.Module(made))
    renameSync(temporary, ASYNCIFY_SQLITE)
    writeFileSync(`${ASYNCIFY_SQLITE}.stamp`, stampOf(made))
    console.log(`sqlite3-asyncify.wasm: ${sizes(made)}; sqlite3.wasm: ${sizes(stock)}`)
  } finally {
    rmSync(temporary, { force: true })
  }
}

/**
 * Copy both builds of SQLite to a folder that pages are served from. One that has not been built is left out, and said to
 * be: `npm ci` does not wait for it.
 */
export function copySqlite(folder: string): void {
  copyFileSync(STOCK_SQLITE, join(folder, 'sqlite3.wasm'))
  const target = join(folder, basename(ASYNCIFY_SQLITE))
  rmSync(target, { force: true }) // an older one would be of another version
  if (asyncifyIsBuilt()) copyFileSync(ASYNCIFY_SQLITE, target)
  else
    console.log(`${folder} is without ${basename(target)}, which runtimes without JSPI need: \`npm run build\` adds it`)
}

/** @throws Error unless `made` is what it is to be: `stock` and a way to suspend it, and it runs */
async function check(stock: WebAssembly.Module, made: WebAssembly.Module): Promise<void> {
  const known = importsOf(stock)
  const foreign = importsOf(made).filter((name) => !known.includes(name))
  if (foreign.length > 0) throw new Error(`Cannot use what Asyncify made: it imports ${foreign.join(', ')}`)
  const exports = new Map(WebAssembly.Module.exports(made).map(({ name, kind }) => [name, kind]))
  const wanted = [
    ...WebAssembly.Module.exports(stock),
    ...ADDED_EXPORTS.map((name) => ({ name, kind: 'function' as const })),
  ]
  const missing = wanted.filter(({ name, kind }) => exports.get(name) !== kind).map(({ name }) => name)
  if (missing.length > 0) throw new Error(`Cannot use what Asyncify made: it does not export ${missing.join(', ')}`)
  const [expected, actual] = [await sourceIdOf(stock), await sourceIdOf(made)]
  if (actual !== expected) throw new Error(`Cannot use what Asyncify made: it is SQLite ${actual}, not ${expected}`)
}

function importsOf(module: WebAssembly.Module): string[] {
  return WebAssembly.Module.imports(module).map(({ module, name, kind }) => `${kind} ${module}.${name}`)
}

/** Start SQLite as vfs/ does. @returns which one it says that it is */
async function sourceIdOf(module: WebAssembly.Module): Promise<string> {
  const memory = createMemory()
  const heap = new Heap(memory)
  const imports = wasmImports(module, { memory, heap, border: new Border(), now: Date.now })
  const exports = await instantiate<Record<string, () => number>>(module, imports)
  exports.__wasm_call_ctors!()
  const result = exports.sqlite3_initialize!()
  const state = exports.asyncify_get_state?.() ?? 0
  if (result !== 0 || state !== 0) throw new Error(`SQLite does not start: result ${result}, Asyncify's state ${state}`)
  return heap.cString(exports.sqlite3_sourceid!())
}

/** Hashes: of everything that the binary is made from, and of the binary. */
function stampOf(made: Uint8Array): string {
  const how = Buffer.from(JSON.stringify([OPTIMIZER_VERSION, FLAGS]))
  const inputs = sha256(Buffer.concat([how, readFileSync(STOCK_SQLITE)]))
  return `inputs ${inputs}\noutput ${sha256(made)}\n`
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function sizes(bytes: Uint8Array): string {
  return `${bytes.length} bytes, ${gzipSync(bytes, { level: 9 }).length} after gzip`
}

if (import.meta.main) await buildAsyncify(process.argv.includes('--force'))
