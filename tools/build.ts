// Compiles the package into dist/, which is what is published and what `npx litetap` runs.
import { execFileSync } from 'node:child_process'
import { chmodSync, rmSync } from 'node:fs'
import { buildExplorer } from './build-explorer.ts'
import { buildWeb, type Size } from './build-web.ts'

/** What a page loads before it can ask its first question, beside SQLite itself: our JavaScript, after gzip. */
const BROWSER_LIMIT = 41 * 1024
const SHOWN_MODULES = 10

rmSync('dist', { recursive: true, force: true })
execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'], { stdio: 'inherit' })
chmodSync('dist/cli/main.js', 0o755)
const { ours, whole, later, modules } = await buildWeb('dist')
console.log(`browser: ${ours} bytes of ours after gzip, ${whole} with lru-cache and the codec`)
console.log(`the ${SHOWN_MODULES} largest modules of it, each by itself:\n${table(modules.slice(0, SHOWN_MODULES))}`)
console.log(`loaded later, when needed:\n${table(later)}`)
if (ours > BROWSER_LIMIT) throw new Error(`The browser entry is too large: ${ours} bytes, at most ${BROWSER_LIMIT}`)
await buildExplorer('dist/explorer')

function table(sizes: readonly Size[]): string {
  return sizes.map(({ name, bytes }) => `${String(bytes).padStart(8)}  ${name}`).join('\n')
}
