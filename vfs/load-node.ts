import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { EngineModules } from './engine/engine.ts'
import { VfsError } from './engine/errors.ts'
import { once } from './once.ts'
import { compileTrampoline } from './trampoline/trampoline.ts'

const SQLITE = {
  jspi: once(() => compileFile(() => import.meta.resolve('@sqlite.org/sqlite-wasm/sqlite3.wasm'), 'npm ci')),
  // In a checkout it is where tools/build-asyncify.ts leaves it, so that no source needs dist/.
  asyncify: import.meta.url.endsWith('.ts')
    ? once(() =>
        compileFile(
          () => new URL('../build/asyncify/sqlite3-asyncify.wasm', import.meta.url).href,
          'npm run build:asyncify',
        ),
      )
    : once(() => compileFile(() => import.meta.resolve('litetap/sqlite3-asyncify.wasm'), 'npm run build')),
}

const modules = once(
  async (): Promise<EngineModules> => ({ trampoline: compileTrampoline(), sqlite: (bridge) => SQLITE[bridge]() }),
)

/**
 * The engine's modules in Node, Deno and Bun. SQLite is read from its packages' files when an engine first wants it, each
 * binary once per process.
 *
 * @throws VfsError VFS_ENGINE from `sqlite`, for a binary that cannot be read
 */
export function loadEngineModules(): Promise<EngineModules> {
  return modules()
}

/** @param build what makes the file, where it is missing */
async function compileFile(locate: () => string, build: string): Promise<WebAssembly.Module> {
  try {
    return await WebAssembly.compile(await readFile(fileURLToPath(locate())))
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new VfsError('VFS_ENGINE', `Cannot load SQLite: ${reason}; in a checkout, run \`${build}\``, { cause })
  }
}
