// Bundle the entries for browsers and for Workers into dist/, each with the wasm that it needs beside it.
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { gzipSync } from 'node:zlib'
import { type OutputChunk, type OutputOptions, type Plugin, type RolldownOptions, rolldown } from 'rolldown'
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

const ENTRY = 'entry/web.ts'

/** Modules that are loaded when they are needed, by the file in which they come. */
const LATER: Readonly<Record<string, readonly string[]>> = {
  opening: [
    'replica/published/open-published.ts',
    'replica/published/save-snapshot.ts',
    'replica/state/open-snapshot.ts',
    'replica/state/at-time.ts',
    'replica/state/catch-up.ts',
    'replica/state/follower.ts',
    'replica/state/index-loader.ts',
    'replica/state/standing.ts',
    'replica/pages/warm-up.ts',
  ],
  speculation: ['replica/ahead/page-predictor.ts', 'vfs/ahead/speculation.ts', 'vfs/ahead/speculative-runner.ts'],
}

type Bundled = Pick<OutputChunk, 'name' | 'fileName' | 'code' | 'imports' | 'isEntry' | 'modules'> & {
  readonly map: { readonly mappings: string } | null
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
async function bundleBrowser(external: (string | RegExp)[], dir?: string): Promise<Bundled[]> {
  const first = await modulesOf(ENTRY, external)
  const groups: { name: string; test: (id: string) => boolean }[] = [{ name: 'litetap', test: (id) => first.has(id) }]
  // What opens files one by one, and what runs ahead of a query: one request each, when the first part of it is needed.
  for (const [name, parts] of Object.entries(LATER)) {
    const modules = await modulesOf(parts, external)
    groups.push({ name, test: (id) => modules.has(id) && !first.has(id) })
  }
  const input: RolldownOptions = { input: ENTRY, external, preserveEntrySignatures: 'allow-extension' }
  return await bundle(input, { codeSplitting: { groups }, ...(dir !== undefined && { dir, sourcemap: true }) })
}

/** The modules that have something to say once what is unused has been left out: entries, and what they import at once. */
async function modulesOf(input: string | readonly string[], external: (string | RegExp)[]): Promise<Set<string>> {
  const later: Plugin = { name: 'later', resolveDynamicImport: (id) => ({ id: String(id), external: true }) }
  const chunks = await bundle({ input: [input].flat(), external, plugins: [later] }, {})
  const modules = chunks.flatMap((chunk) => Object.entries(chunk.modules))
  return new Set(modules.filter(([, { code }]) => code).map(([id]) => id))
}

/** Written where `output` has a `dir`. */
async function bundle(input: RolldownOptions, { dir, ...output }: OutputOptions): Promise<Bundled[]> {
  const build = await rolldown({ ...INPUT, ...input })
  const made = await build.generate({ ...OUTPUT, ...output })
  await build.close()
  const chunks = withoutRuntime(made.output.filter((file) => file.type === 'chunk').map(bundled))
  if (dir !== undefined) mkdirSync(dir, { recursive: true })
  for (const { fileName, code, map } of dir === undefined ? [] : chunks) {
    writeFileSync(join(dir!, fileName), code)
    if (map) writeFileSync(join(dir!, `${fileName}.map`), JSON.stringify(map))
  }
  return chunks
}

/** A chunk of the bundler's, whose own properties are read-only. */
function bundled({ name, fileName, code, map, imports, isEntry, modules }: OutputChunk): Bundled {
  return { name, fileName, code, map: map && JSON.parse(map.toString()), imports, isEntry, modules }
}

/**
 * The few bytes with which the bundler makes namespaces come in each file that needs them: in a file of their own they
 * would cost a round trip. They are a line of their own, and spaces stand where the import stood: maps stay right.
 */
function withoutRuntime(chunks: readonly Bundled[]): Bundled[] {
  const runtime = chunks.find(({ name }) => name === 'rolldown-runtime')
  if (runtime === undefined) return [...chunks]
  const body = /^(?<code>.*)export\{(?<helper>\w+)\};\s*$/s.exec(runtime.code)?.groups
  return chunks
    .filter((chunk) => chunk !== runtime)
    .map((chunk) => {
      if (!chunk.imports.includes(runtime.fileName)) return chunk
      const found = /^import\{(?<helper>\w+) as (?<name>\w+)\}from"\.\/rolldown-runtime[^"]*";/.exec(chunk.code)
      if (found?.groups?.helper === undefined || found.groups.helper !== body?.helper) {
        throw new Error(`${chunk.fileName} takes from the bundler's runtime what is not known here`)
      }
      const helper = `const ${found.groups.name}=(()=>{${body.code}return ${body.helper}})();\n`
      const code = helper + ' '.repeat(found[0].length) + chunk.code.slice(found[0].length)
      return { ...chunk, code, map: chunk.map && { ...chunk.map, mappings: `;${chunk.map.mappings}` } }
    })
}

/** The entry, and what it imports without being asked to. */
function atOnce(chunks: readonly Bundled[]): Bundled[] {
  return loadedWith(chunks, ({ isEntry }) => isEntry)
}

function loadedWith(chunks: readonly Bundled[], isFirst: (chunk: Bundled) => boolean): Bundled[] {
  const loaded = new Set(chunks.filter(isFirst))
  for (const { imports } of loaded) {
    for (const chunk of chunks) if (imports.includes(chunk.fileName)) loaded.add(chunk)
  }
  return [...loaded]
}

function moduleSizes(chunks: readonly Bundled[]): Size[] {
  const sizes = chunks.flatMap(({ modules }) =>
    Object.entries(modules).map(([id, { code }]) => ({
      name: relative(process.cwd(), id),
      bytes: code ? gzipped(minifySync(id, code).code) : 0,
    })),
  )
  return sizes.sort((a, b) => b.bytes - a.bytes)
}

function sum(chunks: readonly Bundled[]): number {
  return chunks.reduce((bytes, { code }) => bytes + gzipped(code), 0)
}

function gzipped(code: string): number {
  return gzipSync(code, { level: 9 }).length
}
