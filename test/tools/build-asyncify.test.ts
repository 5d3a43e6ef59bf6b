import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ASYNCIFY_SQLITE, asyncifyIsBuilt, STOCK_SQLITE } from '../../tools/build-asyncify.ts'
import { tempDir } from '../support/temp-dir.ts'

const stock = new WebAssembly.Module(readFileSync(STOCK_SQLITE))
const made = new WebAssembly.Module(readFileSync(ASYNCIFY_SQLITE))

test('it is made from the packages that are installed, as they would be used now', () => {
  expect(asyncifyIsBuilt()).toBe(true)
})

test('it is the stock binary and five functions', () => {
  const imports = (module: WebAssembly.Module): string[] =>
    WebAssembly.Module.imports(module).map(({ module, name, kind }) => `${kind} ${module}.${name}`)
  // The optimizer drops what nothing calls: SQLite has other clocks.
  const unused = 'function wasi_snapshot_preview1.clock_time_get'
  expect([...imports(made), unused].sort()).toEqual(imports(stock).sort())
  const names = (module: WebAssembly.Module): string[] => WebAssembly.Module.exports(module).map(({ name }) => name)
  const added = names(made).filter((name) => !names(stock).includes(name))
  expect(added.sort()).toEqual([
    'asyncify_get_state',
    'asyncify_start_rewind',
    'asyncify_start_unwind',
    'asyncify_stop_rewind',
    'asyncify_stop_unwind',
  ])
  expect(names(made)).toEqual(expect.arrayContaining(names(stock)))
})

test('it is the same version of SQLite', async () => {
  const version = await textOf(made, 'sqlite3_libversion')
  expect(version).toBe('3.54.1')
  expect(version).toBe(await textOf(stock, 'sqlite3_libversion'))
  expect(await textOf(made, 'sqlite3_sourceid')).toBe(await textOf(stock, 'sqlite3_sourceid'))
})

test('a binary that is not whole, or made from something else, is built again', () => {
  const copy = join(tempDir(), 'sqlite3-asyncify.wasm')
  const stamp = readFileSync(`${ASYNCIFY_SQLITE}.stamp`, 'utf8')
  const bytes = readFileSync(ASYNCIFY_SQLITE)
  expect(asyncifyIsBuilt(copy), 'no file').toBe(false)
  copyFileSync(ASYNCIFY_SQLITE, copy)
  expect(asyncifyIsBuilt(copy), 'no stamp').toBe(false)
  writeFileSync(`${copy}.stamp`, stamp)
  expect(asyncifyIsBuilt(copy), 'whole').toBe(true)
  writeFileSync(`${copy}.stamp`, stamp.replace(/inputs .{8}/, 'inputs 00000000'))
  expect(asyncifyIsBuilt(copy), 'other inputs').toBe(false)
  writeFileSync(`${copy}.stamp`, stamp.slice(0, 40))
  expect(asyncifyIsBuilt(copy), 'half a stamp').toBe(false)
  writeFileSync(`${copy}.stamp`, stamp)
  writeFileSync(copy, bytes.subarray(0, bytes.length - 1))
  expect(asyncifyIsBuilt(copy), 'a byte short').toBe(false)
})

/** What a function that takes nothing and gives a C string says. */
async function textOf(module: WebAssembly.Module, name: string): Promise<string> {
  const memory = new WebAssembly.Memory({ initial: 128, maximum: 32_768 })
  const imports: Record<string, Record<string, WebAssembly.ImportValue>> = {}
  for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
    imports[from] = { ...imports[from], [name]: kind === 'memory' ? memory : () => 0 }
  }
  const exports = (await WebAssembly.instantiate(module, imports)).exports as Record<string, () => number>
  const bytes = Buffer.from(memory.buffer)
  const from = exports[name]!()
  return bytes.toString('utf8', from, bytes.indexOf(0, from))
}
