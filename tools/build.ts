// Compiles the package into dist/, which is what is published and what `npx litetap` runs.
import { execFileSync } from 'node:child_process'
import { chmodSync, rmSync } from 'node:fs'
import { buildExplorer } from './build-explorer.ts'
import { buildWeb } from './build-web.ts'

/** What a page loads before it can ask its first question, beside SQLite itself: our JavaScript, after gzip. */
const BROWSER_LIMIT = 45 * 1024

rmSync('dist', { recursive: true, force: true })
execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'], { stdio: 'inherit' })
chmodSync('dist/cli/main.js', 0o755)
const { ours, whole } = await buildWeb('dist')
console.log(`browser: ${ours} bytes of ours after gzip, ${whole} with lru-cache and the codec`)
if (ours > BROWSER_LIMIT) throw new Error(`The browser entry is too large: ${ours} bytes, at most ${BROWSER_LIMIT}`)
await buildExplorer('dist/explorer')
