import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { EngineModules } from './engine/engine.ts'
import { compileTrampoline } from './trampoline/trampoline.ts'

let loading: Promise<EngineModules> | undefined

/** The engine's modules in Node, Deno and Bun: SQLite from its package's file, compiled once per process. */
export function loadEngineModules(): Promise<EngineModules> {
  loading ??= load().catch((error) => {
    loading = undefined
    throw error
  })
  return loading
}

async function load(): Promise<EngineModules> {
  const path = fileURLToPath(import.meta.resolve('@sqlite.org/sqlite-wasm/sqlite3.wasm'))
  return { sqlite: await WebAssembly.compile(await readFile(path)), trampoline: compileTrampoline() }
}
