import type { EngineModules } from './engine/engine.ts'
import { VfsError } from './engine/errors.ts'
import { once } from './once.ts'
import { compileTrampoline } from './trampoline/trampoline.ts'

/** Where a build of SQLite is: its URL, its bytes, or the module that a bundler made of it. */
export type WasmSource = string | URL | BufferSource | WebAssembly.Module

/** Both builds of SQLite. Only the one that a bridge needs is loaded. */
export interface SqliteSources {
  /** `sqlite3.wasm`, for the bridge `jspi`. */
  readonly sqlite: WasmSource
  /** `sqlite3-asyncify.wasm`, for the bridge `asyncify`. */
  readonly sqliteAsyncify: WasmSource
}

/** By URL: one a page, whichever databases it opens. */
const fetched = new Map<string, () => Promise<WebAssembly.Module>>()

/**
 * The engine's modules where there is no file system. SQLite is fetched and compiled when an engine first wants it, once
 * per page.
 *
 * @throws VfsError VFS_ENGINE from `sqlite`, for a binary that cannot be fetched or compiled
 */
export async function loadEngineModules(sources: SqliteSources): Promise<EngineModules> {
  const sqlite = {
    jspi: once(() => moduleOf(sources, 'sqlite')),
    asyncify: once(() => moduleOf(sources, 'sqliteAsyncify')),
  }
  return { trampoline: compileTrampoline(), sqlite: (bridge) => sqlite[bridge]() }
}

async function moduleOf(sources: SqliteSources, option: keyof SqliteSources): Promise<WebAssembly.Module> {
  const source = sources[option]
  if (source instanceof WebAssembly.Module) return source
  if (typeof source !== 'string' && !(source instanceof URL)) return await WebAssembly.compile(source)
  const url = String(source)
  const fetching = fetched.get(url) ?? once(() => fetchModule(url))
  fetched.set(url, fetching)
  try {
    return await fetching()
  } catch (cause) {
    const file = option === 'sqlite' ? 'sqlite3.wasm' : 'sqlite3-asyncify.wasm, which runtimes without JSPI need,'
    const message = `Cannot load SQLite from ${url}: serve the package's ${file} there, or say where it is with \`${option}\``
    throw new VfsError('VFS_ENGINE', message, { cause })
  }
}

async function fetchModule(url: string): Promise<WebAssembly.Module> {
  const reply = await fetch(url)
  if (!reply.ok) throw new Error(`status ${reply.status}`)
  // Compiled while it arrives, if the server says what it is.
  if (reply.headers.get('content-type')?.startsWith('application/wasm'))
    return await WebAssembly.compileStreaming(reply)
  return await WebAssembly.compile(await reply.arrayBuffer())
}
