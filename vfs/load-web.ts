import type { EngineModules } from './engine/engine.ts'
import { VfsError } from './engine/errors.ts'
import { once } from './once.ts'
import { compileTrampoline } from './trampoline/trampoline.ts'

/** Where a build of SQLite is: its URL, its bytes, or the module that a bundler made of it. */
export type WasmSource = string | URL | BufferSource | WebAssembly.Module

/** By URL: one a page, whichever databases it opens. */
const fetched = new Map<string, () => Promise<WebAssembly.Module>>()

/**
 * The engine's modules where there is no file system. SQLite is fetched and compiled when an engine first wants it, once
 * per page, and only the build that its bridge needs.
 *
 * @param sqlite `sqlite3.wasm`, for the bridge `jspi`
 * @param sqliteAsyncify `sqlite3-asyncify.wasm`, for the bridge `asyncify`
 * @throws VfsError VFS_ENGINE from `sqlite`, for a binary that cannot be fetched or compiled
 */
export async function loadEngineModules(sqlite: WasmSource, sqliteAsyncify: WasmSource): Promise<EngineModules> {
  const jspi = loaderOf(sqlite, 'sqlite', '')
  const asyncify = loaderOf(sqliteAsyncify, 'sqliteAsyncify', '-asyncify')
  return { trampoline: compileTrampoline(), sqlite: (bridge) => (bridge === 'jspi' ? jspi : asyncify)() }
}

/** @param option where the source was given, and what the file's name ends with: for messages */
function loaderOf(source: WasmSource, option: string, suffix: string): () => Promise<WebAssembly.Module> {
  if (source instanceof WebAssembly.Module) return async () => source
  if (typeof source !== 'string' && !(source instanceof URL)) return once(() => WebAssembly.compile(source))
  const url = String(source)
  const loader = fetched.get(url) ?? once(() => fetchModule(url, option, suffix))
  fetched.set(url, loader)
  return loader
}

async function fetchModule(url: string, option: string, suffix: string): Promise<WebAssembly.Module> {
  try {
    const reply = await fetch(url)
    if (!reply.ok) throw new Error(`status ${reply.status}`)
    // Compiled while it arrives, if the server says what it is.
    if (reply.headers.get('content-type')?.startsWith('application/wasm'))
      return await WebAssembly.compileStreaming(reply)
    return await WebAssembly.compile(await reply.arrayBuffer())
  } catch (cause) {
    const message = `Cannot load SQLite from ${url}: serve litetap's sqlite3${suffix}.wasm there, or set \`${option}\``
    throw new VfsError('VFS_ENGINE', message, { cause })
  }
}
