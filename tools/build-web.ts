// Bundle the entries for browsers and for Workers into dist/, each with the wasm that it needs beside it.
import { copyFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { codecBytes } from '../ltx/index.ts'
import { trampolineBytes } from '../vfs/index.ts'

const SQLITE = createRequire(import.meta.url).resolve('@sqlite.org/sqlite-wasm/sqlite3.wasm')

/**
 * @param outdir is made
 * @returns what the browser's entry loads at once: bytes after gzip, of our own code and of everything
 */
export async function buildWeb(outdir: string): Promise<{ ours: number; whole: number }> {
  const common = {
    bundle: true,
    format: 'esm',
    splitting: true,
    minify: true,
    sourcemap: true,
    target: 'es2022',
  } as const
  const browser = join(outdir, 'browser')
  const workerd = join(outdir, 'workerd')
  const options = { ...common, entryNames: 'litetap', chunkNames: '[name]-[hash]', metafile: true } as const
  await build({ ...options, entryPoints: ['browser.ts'], outdir: browser })
  // One script: a Worker's modules are listed one by one where no bundler does it.
  await build({ ...options, splitting: false, entryPoints: ['workerd.ts'], outdir: workerd, external: ['*.wasm'] })
  for (const folder of [browser, workerd]) copyFileSync(SQLITE, join(folder, 'sqlite3.wasm'))
  writeFileSync(join(workerd, 'codec.wasm'), codecBytes())
  writeFileSync(join(workerd, 'trampoline.wasm'), trampolineBytes())
  return { ours: await ownBytes(), whole: await loadedAtOnce([]) }
}

/** The browser's entry and all that it loads at once, without the package it uses and without wasm: what is ours. */
async function ownBytes(): Promise<number> {
  return await loadedAtOnce(['lru-cache', 'aws4fetch', '*-wasm.ts'])
}

/** Bytes after gzip, each file by itself, as they are served. */
async function loadedAtOnce(external: readonly string[]): Promise<number> {
  const { outputFiles, metafile } = await build({
    entryPoints: ['browser.ts'],
    bundle: true,
    format: 'esm',
    splitting: true,
    minify: true,
    target: 'es2022',
    outdir: 'unused',
    write: false,
    metafile: true,
    external: [...external],
  })
  const loaded = new Set(['unused/browser.js'])
  for (const file of loaded) {
    for (const { path, kind } of metafile.outputs[file]?.imports ?? []) {
      if (kind === 'import-statement' && path in metafile.outputs) loaded.add(path)
    }
  }
  const files = outputFiles.filter(({ path }) => [...loaded].some((file) => path.endsWith(file)))
  return files.reduce((sum, { contents }) => sum + gzipped(contents), 0)
}

function gzipped(bytes: Uint8Array): number {
  return gzipSync(bytes, { level: 9 }).length
}
