// Bundle the entries for browsers and for Workers into dist/, each with the wasm that it needs beside it.
import { copyFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { gzipSync } from 'node:zlib'
import { type OutputChunk, type OutputOptions, type RolldownOptions, rolldown } from 'rolldown'
import { minifySync } from 'rolldown/utils'
import { codecBytes } from '../ltx/index.ts'
import { trampolineBytes } from '../vfs/index.ts'
import { copySqlite, STOCK_SQLITE } from './build-asyncify.ts'

/** No module of ours does anything by being loaded, but the entries themselves. */
const INPUT: RolldownOptions = {
  platform: 'browser',
  transform: { target: 'es2022' },
  treeshake: { moduleSideEffects: false },
}
const OUTPUT: OutputOptions = {
  format: 'esm',
  minify: true,
  comments: false,
  entryFileNames: 'litetap.js',
  chunkFileNames: '[name]-[hash].js',
}
/** What is not ours: packages, and wasm. */
const NOT_OURS = [/^lru-cache$/, /^aws4fetch$/, /-wasm\.ts$/]

/** Modules that are loaded when they are needed, by the file in which they come. */
const LATER: Readonly<Record<string, readonly string[]>> = {
  opening: ['open-snapshot', 'at-time', 'catch-up', 'follower', 'index-loader', 'save-snapshot', 'warm-up'],
  speculation: ['page-predictor', 'speculation', 'speculative-runner'],
}

/** Bytes after gzip. */
export interface Size {
  readonly name: string
  readonly bytes: number
}

/** How large the browser's entry is. */
export interface BrowserSize {
  /** Our own code that is loaded at once, before anything can be asked for; and all that is. */
  readonly ours: number
  readonly whole: number
  /** What of ours is loaded later, when it is needed. */
  readonly later: readonly Size[]
  /** What is loaded at once, each module by itself (so their sum is more); largest first. */
  readonly modules: readonly Size[]
}

/** @param outdir is made */
export async function buildWeb(outdir: string): Promise<BrowserSize> {
  const browser = join(outdir, 'browser')
  const workerd = join(outdir, 'workerd')
  const whole = await bundleBrowser([], browser)
  await bundle(
    { input: 'entry/worker.ts', external: /\.wasm$/ },
    // One script: a Worker's modules are listed one by one where no bundler does it.
    { dir: workerd, sourcemap: true, codeSplitting: false },
  )
  copySqlite(browser)
  copyFileSync(STOCK_SQLITE, join(workerd, 'sqlite3.wasm'))
  writeFileSync(join(workerd, 'codec.wasm'), codecBytes())
  writeFileSync(join(workerd, 'trampoline.wasm'), trampolineBytes())
  const ours = await bundleBrowser(NOT_OURS)
  return {
    ours: sum(atOnce(ours)),
    whole: sum(atOnce(whole)),
    later: ours
      .filter((chunk) => !atOnce(ours).includes(chunk))
      .map(({ name, code }) => ({ name, bytes: gzipped(code) })),
    modules: moduleSizes(atOnce(ours)),
  }
}

/**
 * All that the entry loads at once is one file, which exports to the other ones what they share with it: bundlers left to
 * themselves make a file of every set of modules that some part loaded later needs, too, and a page would ask for ten.
 *
 * @param dir where it is written; nowhere without it
 */
async function bundleBrowser(external: (string | RegExp)[], dir?: string): Promise<OutputChunk[]> {
  const input: RolldownOptions = { input: 'entry/web.ts', external, preserveEntrySignatures: 'allow-extension' }
  const chunks = await bundle(input, {})
  const groups = [
    together('litetap', atOnce(chunks)),
    // What opens files one by one, and what runs ahead of a query: one request each, when the first part of it is needed.
    ...Object.entries(LATER).map(([name, parts]) =>
      together(
        name,
        loadedWith(chunks, (chunk) => chunk.isDynamicEntry && parts.includes(chunk.name)),
      ),
    ),
  ]
  const codeSplitting = { groups }
  return await bundle(input, { codeSplitting, ...(dir !== undefined && { dir, sourcemap: true }) })
}

function together(name: string, chunks: readonly OutputChunk[]) {
  const modules = new Set(chunks.flatMap(({ moduleIds }) => moduleIds))
  return { name, test: (id: string) => modules.has(id) }
}

/** Written where `output` has a `dir`. */
async function bundle(input: RolldownOptions, output: OutputOptions): Promise<OutputChunk[]> {
  const build = await rolldown({ ...INPUT, ...input })
  const options = { ...OUTPUT, ...output }
  const made = await (output.dir === undefined ? build.generate(options) : build.write(options))
  await build.close()
  return made.output.filter((file) => file.type === 'chunk')
}

/** The entry, and what it imports without being asked to. */
function atOnce(chunks: readonly OutputChunk[]): OutputChunk[] {
  return loadedWith(chunks, ({ isEntry }) => isEntry)
}

function loadedWith(chunks: readonly OutputChunk[], isFirst: (chunk: OutputChunk) => boolean): OutputChunk[] {
  const loaded = new Set(chunks.filter(isFirst))
  for (const { imports } of loaded) {
    for (const chunk of chunks) if (imports.includes(chunk.fileName)) loaded.add(chunk)
  }
  return [...loaded]
}

function moduleSizes(chunks: readonly OutputChunk[]): Size[] {
  const sizes = chunks.flatMap(({ modules }) =>
    Object.entries(modules).map(([id, { code }]) => ({
      name: relative(process.cwd(), id),
      bytes: code ? gzipped(minifySync(id, code).code) : 0,
    })),
  )
  return sizes.sort((a, b) => b.bytes - a.bytes)
}

function sum(chunks: readonly OutputChunk[]): number {
  return chunks.reduce((bytes, { code }) => bytes + gzipped(code), 0)
}

function gzipped(code: string): number {
  return gzipSync(code, { level: 9 }).length
}
