import { cp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { build } from 'esbuild'

const ROOT = join(import.meta.dirname, '../..')

/** Where the suite is built to: within the package, so that `import 'litetap'` finds the package itself. */
export const SUITE_DIR = join(ROOT, 'build/everywhere')

/** A page that is nothing but a script: no bundler, no import map. */
const PAGE =
  '<!doctype html><meta charset="utf-8"><title>litetap</title><script type="module" src="run-page.js"></script>\n'

/**
 * The suite for every kind of runtime, over the package as it was built into dist/: processes import it by its name,
 * pages and Workers get its files beside theirs.
 */
export async function buildSuite(): Promise<void> {
  await rm(SUITE_DIR, { recursive: true, force: true })
  await bundle('run-process', 'litetap', 'process')
  await bundle('run-page', './litetap/litetap.js', 'page')
  await bundle('run-worker', './litetap/litetap.js', 'workerd')
  await cp(join(ROOT, 'dist/browser'), join(SUITE_DIR, 'page/litetap'), { recursive: true })
  await cp(join(ROOT, 'dist/workerd'), join(SUITE_DIR, 'workerd/litetap'), { recursive: true })
  await writeFile(join(SUITE_DIR, 'page/page.html'), PAGE)
}

async function bundle(entry: string, litetap: string, folder: string): Promise<void> {
  await build({
    entryPoints: [join(import.meta.dirname, `${entry}.ts`)],
    outdir: join(SUITE_DIR, folder),
    bundle: true,
    format: 'esm',
    target: 'es2022',
    plugins: [
      {
        name: 'litetap',
        setup: ({ onResolve }) => onResolve({ filter: /^litetap$/ }, () => ({ path: litetap, external: true })),
      },
    ],
  })
}
