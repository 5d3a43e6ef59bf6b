import { execFile } from 'node:child_process'
import { cpSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { ASYNCIFY_SQLITE, STOCK_SQLITE } from '../../tools/build-asyncify.ts'
import { isVfsError } from '../../vfs/index.ts'
import { loadEngineModules as loadInNode } from '../../vfs/load-node.ts'
import { loadEngineModules as loadOnWeb } from '../../vfs/load-web.ts'
import { failureOf } from '../support/failure-of.ts'
import { tempDir } from '../support/temp-dir.ts'

/** Whether a module is the one that Asyncify has instrumented. */
function suspends(module: WebAssembly.Module): boolean {
  return WebAssembly.Module.exports(module).some(({ name }) => name === 'asyncify_start_unwind')
}

test('Node: each bridge has its build, the same one each time', async () => {
  const modules = await loadInNode()
  expect(suspends(await modules.sqlite('jspi'))).toBe(false)
  expect(suspends(await modules.sqlite('asyncify'))).toBe(true)
  expect(await (await loadInNode()).sqlite('asyncify')).toBe(await modules.sqlite('asyncify'))
})

test('Node: a checkout where a build is missing says how to make it, and finds it then', async () => {
  const checkout = tempDir()
  cpSync(join(import.meta.dirname, '../../vfs'), join(checkout, 'vfs'), { recursive: true })
  const built = join(checkout, 'build/asyncify/sqlite3-asyncify.wasm')
  const script = `
    const { copyFileSync, mkdirSync } = await import('node:fs')
    const { loadEngineModules } = await import('./vfs/load-node.ts')
    const { sqlite } = await loadEngineModules()
    const { code, message } = await sqlite('asyncify').catch((error) => error)
    mkdirSync(${JSON.stringify(dirname(built))}, { recursive: true })
    copyFileSync(${JSON.stringify(ASYNCIFY_SQLITE)}, ${JSON.stringify(built)})
    console.log(JSON.stringify({ code, message, then: String(await sqlite('asyncify')) }))`
  const args = ['--input-type=module', '--eval', script]
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: checkout })
  const { code, message, then } = JSON.parse(stdout)
  expect(code).toBe('VFS_ENGINE')
  expect(message).toContain(built)
  expect(message).toContain('`npm run build:asyncify`')
  expect(then).toBe('[object WebAssembly.Module]')
})

test('the web: only what a bridge needs is fetched, once a page', async () => {
  const { url, asked } = await serveSqlite()
  const load = () => loadOnWeb(url('sqlite3.wasm'), new URL(url('sqlite3-asyncify.wasm')))
  const [one, other] = [await load(), await load()]
  expect(asked).toEqual([])
  const loaded = await Promise.all([one, one, other].map((modules) => modules.sqlite('asyncify')))
  expect(loaded.map(suspends)).toEqual([true, true, true])
  expect(new Set(loaded).size).toBe(1)
  expect(asked).toEqual(['/sqlite3-asyncify.wasm'])
  expect(suspends(await one.sqlite('jspi'))).toBe(false)
  expect(asked).toEqual(['/sqlite3-asyncify.wasm', '/sqlite3.wasm'])
})

test('the web: a failure says which file to serve, and is not remembered', async () => {
  const { url, missing } = await serveSqlite()
  const modules = await loadOnWeb(url('sqlite3.wasm'), url('sqlite3-asyncify.wasm'))
  missing.value = true
  for (const [bridge, file, option] of [
    ['jspi', 'sqlite3.wasm', 'sqlite'],
    ['asyncify', 'sqlite3-asyncify.wasm', 'sqliteAsyncify'],
  ] as const) {
    const error = await failureOf(modules.sqlite(bridge))
    expect(isVfsError(error, 'VFS_ENGINE'), bridge).toBe(true)
    expect(error.message).toContain(
      `Cannot load SQLite from ${url(file)}: serve litetap's ${file} there, or set \`${option}\``,
    )
  }
  missing.value = false
  expect(suspends(await modules.sqlite('jspi'))).toBe(false)
  expect(suspends(await modules.sqlite('asyncify'))).toBe(true)
})

test('the web: bytes and modules instead of a URL, compiled once', async () => {
  const stock = new WebAssembly.Module(readFileSync(STOCK_SQLITE))
  const modules = await loadOnWeb(stock, readFileSync(ASYNCIFY_SQLITE))
  expect(await modules.sqlite('jspi')).toBe(stock)
  const made = await modules.sqlite('asyncify')
  expect(suspends(made)).toBe(true)
  expect(await modules.sqlite('asyncify')).toBe(made)
})

/** Both builds, from a web server. @returns the paths that were asked for, and a switch that makes them missing */
async function serveSqlite() {
  const files = new Map([
    ['/sqlite3.wasm', STOCK_SQLITE],
    ['/sqlite3-asyncify.wasm', ASYNCIFY_SQLITE],
  ])
  const asked: string[] = []
  const missing = { value: false }
  const server = createServer((request, reply) => {
    const path = request.url ?? ''
    asked.push(path)
    const file = missing.value ? undefined : files.get(path)
    reply.writeHead(file ? 200 : 404, { 'content-type': file ? 'application/wasm' : 'text/plain' })
    reply.end(file ? readFileSync(file) : 'missing')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { url: (name: string) => `http://127.0.0.1:${port}/${name}`, asked, missing }
}
