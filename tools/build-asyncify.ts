// Instrument the published sqlite3.wasm with Binaryen's Asyncify, so that SQLite's C stack can be unwound while a page is
// fetched and rewound when it is there: how runtimes without JSPI wait. Takes a core about a minute; does nothing where
// nothing has changed; `--force` builds anyway.
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join, relative } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'

const root = join(import.meta.dirname, '..')
const require = createRequire(import.meta.url)
const run = promisify(execFile)

/** The binary as SQLite's project publishes it. */
export const STOCK_SQLITE = require.resolve('@sqlite.org/sqlite-wasm/sqlite3.wasm')
/** Outside of dist/, which every build wipes. */
export const ASYNCIFY_SQLITE = join(root, 'build/asyncify/sqlite3-asyncify.wasm')
const RECORD = `${ASYNCIFY_SQLITE}.json`

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

/** Hashes, in hexadecimal: of everything that the binary was made from, and of the binary. */
interface BuildRecord {
  readonly inputs: string
  readonly output: string
}

/** Whether the binary is there, whole, and made from what would be used now. */
export function asyncifyIsBuilt(): boolean {
  if (!existsSync(ASYNCIFY_SQLITE) || !existsSync(RECORD)) return false
  const record = JSON.parse(readFileSync(RECORD, 'utf8')) as BuildRecord
  return record.inputs === hashOfInputs() && record.output === sha256(readFileSync(ASYNCIFY_SQLITE))
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
    const record: BuildRecord = { inputs: hashOfInputs(), output: sha256(made) }
    // A record without its binary is noticed, so the order does not matter.
    renameSync(temporary, ASYNCIFY_SQLITE)
    writeFileSync(RECORD, `${JSON.stringify(record)}\n`)
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
  if (asyncifyIsBuilt()) copyFileSync(ASYNCIFY_SQLITE, join(folder, basename(ASYNCIFY_SQLITE)))
  else console.log(`${relative(root, folder)} is for runtimes with JSPI only; for all others, too: npm run build`)
}

/** @throws Error unless `made` is what it is to be: `stock` and a way to suspend it, and it runs */
async function check(stock: WebAssembly.Module, made: WebAssembly.Module): Promise<void> {
  const imports = (module: WebAssembly.Module): string => JSON.stringify(WebAssembly.Module.imports(module))
  if (imports(made) !== imports(stock)) throw new Error('Cannot use what Asyncify made: its imports have changed')
  const exports = new Map(WebAssembly.Module.exports(made).map(({ name, kind }) => [name, kind]))
  const wanted = [
    ...WebAssembly.Module.exports(stock),
    ...ADDED_EXPORTS.map((name) => ({ name, kind: 'function' as const })),
  ]
  const missing = wanted.filter(({ name, kind }) => exports.get(name) !== kind).map(({ name }) => name)
  if (missing.length > 0) throw new Error(`Cannot use what Asyncify made: it does not export ${missing.join(', ')}`)
  const versions = [await versionOf(stock), await versionOf(made)]
  if (versions[0] !== versions[1]) throw new Error(`Cannot use what Asyncify made: it is not ${versions.join(' but ')}`)
}

/** Start SQLite, over imports that do nothing. @returns what it says its version is */
async function versionOf(module: WebAssembly.Module): Promise<string> {
  const memory = new WebAssembly.Memory({ initial: 128, maximum: 32_768 })
  const imports: Record<string, Record<string, WebAssembly.ImportValue>> = {}
  for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
    imports[from] ??= {}
    imports[from][name] = kind === 'memory' ? memory : () => 0
  }
  const exports = (await WebAssembly.instantiate(module, imports)).exports as Record<string, () => number>
  exports.__wasm_call_ctors?.()
  const result = exports.sqlite3_initialize!()
  const state = exports.asyncify_get_state?.() ?? 0
  if (result !== 0 || state !== 0) throw new Error(`SQLite does not start: result ${result}, Asyncify's state ${state}`)
  const bytes = new Uint8Array(memory.buffer)
  const from = exports.sqlite3_libversion!()
  return new TextDecoder().decode(bytes.subarray(from, bytes.indexOf(0, from)))
}

function hashOfInputs(): string {
  return sha256(Buffer.concat([Buffer.from(JSON.stringify([OPTIMIZER_VERSION, FLAGS])), readFileSync(STOCK_SQLITE)]))
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function sizes(bytes: Uint8Array): string {
  return `${bytes.length} bytes, ${gzipSync(bytes, { level: 9 }).length} after gzip`
}

if (import.meta.main) {
  await buildAsyncify(process.argv.includes('--force'))
  if (!asyncifyIsBuilt()) throw new Error(`Cannot find in ${relative(root, RECORD)} what was just built`)
}
