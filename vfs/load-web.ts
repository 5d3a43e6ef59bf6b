import type { EngineModules } from './engine/engine.ts'
import { VfsError } from './engine/errors.ts'
import { compileTrampoline } from './trampoline/trampoline.ts'

/** Where `sqlite3.wasm` is: its URL, its bytes, or the module that a bundler made of it. */
export type WasmSource = string | URL | BufferSource | WebAssembly.Module

const loading = new Map<string, Promise<WebAssembly.Module>>()

/**
 * The engine's modules where there is no file system. SQLite is fetched and compiled once per page, whoever asks.
 * @throws VfsError VFS_ENGINE
 */
export async function loadEngineModules(sqlite: WasmSource): Promise<EngineModules> {
  return { sqlite: await moduleOf(sqlite), trampoline: compileTrampoline() }
}

async function moduleOf(source: WasmSource): Promise<WebAssembly.Module> {
  if (source instanceof WebAssembly.Module) return source
  if (typeof source !== 'string' && !(source instanceof URL)) return await WebAssembly.compile(source)
  const url = String(source)
  const known = loading.get(url)
  if (known) return await known
  const module = fetchModule(url)
  loading.set(url, module)
  module.catch(() => loading.delete(url))
  return await module
}

async function fetchModule(url: string): Promise<WebAssembly.Module> {
  try {
    const reply = await fetch(url)
    if (!reply.ok) throw new Error(`status ${reply.status}`)
    // Compiled while it arrives, if the server says what it is.
    if (reply.headers.get('content-type')?.startsWith('application/wasm'))
      return await WebAssembly.compileStreaming(reply)
    return await WebAssembly.compile(await reply.arrayBuffer())
  } catch (cause) {
    const message = `Cannot load SQLite from ${url}: serve the package's sqlite3.wasm there, or say where it is with \`sqlite\``
    throw new VfsError('VFS_ENGINE', message, { cause })
  }
}
