import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { type BuildOptions, build } from 'esbuild'

const MODULES = join(import.meta.dirname, '../../node_modules')
const HTML =
  '<!doctype html><meta charset="utf-8"><title>litetap bench</title><script type="module" src="main.js"></script>\n'

/** A subject's page, with what its packages load by URL at run time; paths from `node_modules`. */
interface Bundle {
  readonly files: readonly string[]
  /** To be bundled too: scripts of classic workers. */
  readonly workers: readonly string[]
}

const BUNDLES: Readonly<Record<string, Bundle>> = {
  litetap: { files: ['@sqlite.org/sqlite-wasm/dist/sqlite3.wasm'], workers: [] },
  'sql-js-httpvfs': {
    files: ['sql.js-httpvfs/dist/sqlite.worker.js', 'sql.js-httpvfs/dist/sql-wasm.wasm'],
    workers: [],
  },
  'sqlite-wasm-http': {
    files: ['sqlite-wasm-http/deps/dist/sqlite3.wasm'],
    workers: ['sqlite-wasm-http/dist/sqlite-worker.js', 'sqlite-wasm-http/dist/vfs-http-worker.js'],
  },
}

const COMMON: BuildOptions = { bundle: true, minify: true, platform: 'browser', target: 'es2023', logLevel: 'error' }

/** Write every subject's page to a folder of its own below `dir`. */
export async function buildPages(dir: string): Promise<void> {
  for (const [name, { files, workers }] of Object.entries(BUNDLES)) {
    const outdir = join(dir, name)
    mkdirSync(outdir, { recursive: true })
    writeFileSync(join(outdir, 'index.html'), HTML)
    for (const file of files) copyFileSync(join(MODULES, file), join(outdir, basename(file)))
    const main = join(import.meta.dirname, 'pages', `${name}.ts`)
    await build({ ...COMMON, entryPoints: { main }, outdir, format: 'esm' })
    const entryPoints = workers.map((worker) => join(MODULES, worker))
    // Classic workers have no `import.meta`.
    const define = { 'import.meta.url': 'self.location.href' }
    if (workers.length > 0) await build({ ...COMMON, entryPoints, outdir, format: 'iife', define })
  }
}
