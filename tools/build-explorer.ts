// Bundle the explorer, a page of plain files that any web server can serve.
import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import { copySqlite } from './build-asyncify.ts'

const SOURCE = join(import.meta.dirname, '../examples/explorer')

/** @param outdir is made; everything that the page loads is in it */
export async function buildExplorer(outdir: string): Promise<void> {
  await build({
    entryPoints: [
      { in: join(SOURCE, 'main.ts'), out: 'app' },
      { in: join(SOURCE, 'styles/app.css'), out: 'app' },
    ],
    outdir,
    bundle: true,
    format: 'esm',
    // Top-level await, and the theme's light-dark().
    target: ['chrome123', 'firefox120', 'safari17.5'],
    minify: true,
    assetNames: '[name]',
    loader: { '.woff2': 'file' },
    logLevel: 'warning',
  })
  copyFileSync(join(SOURCE, 'index.html'), join(outdir, 'index.html'))
  copySqlite(outdir)
}

if (import.meta.main) await buildExplorer('dist/explorer')
