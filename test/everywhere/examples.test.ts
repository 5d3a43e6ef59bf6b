import { execFile } from 'node:child_process'
import { cp, mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Miniflare } from 'miniflare'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createGateway, type Gateway, type StaticFile } from '../../gateway/index.ts'
import { openReplica } from '../../storage/node.ts'
import { replicatedShop, type Shop } from '../examples/shop.ts'
import type { WritableR2Bucket } from '../servers/workerd.ts'
import { suiteDir } from '../support/temp-dir.ts'
import { ensureRuntimes } from './runtimes.ts'

const run = promisify(execFile)
const ROOT = join(import.meta.dirname, '../..')
const RUNTIMES = join(import.meta.dirname, 'runtimes/node_modules')
const dir = suiteDir()
let shop: Shop
let browser: Browser

beforeAll(async () => {
  await ensureRuntimes()
  shop = await replicatedShop(dir)
  browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] })
}, 600_000)

afterAll(() => browser?.close())

test.each([
  ['Node', [process.execPath]],
  ['Deno', [join(RUNTIMES, '.bin/deno'), 'run', '-A']],
  ['Bun', [join(RUNTIMES, '.bin/bun')]],
])('the script, in %s', async (_, [program = '', ...args]) => {
  const sql = 'SELECT id, amount FROM orders WHERE customer = 7 LIMIT 2'
  const { stdout } = await run(program, [...args, join(ROOT, 'examples/scripts/query.ts'), shop.replicaURL, sql])
  expect(stdout).toBe('{"id":6,"amount":1.5}\n{"id":26,"amount":6.5}\n')
})

test('the plain page: files served as they are, no bundler', async () => {
  const files = await filesBelow('/litetap/', join(ROOT, 'dist/browser'))
  files.set('/', await staticFile(join(ROOT, 'examples/plain-page/index.html')))
  await expectOrders(files)
})

test('the plain page, when what only saves time cannot be loaded', async () => {
  const all = await filesBelow('/litetap/', join(ROOT, 'dist/browser'))
  const left = new Map([...all].filter(([path]) => !/[/]speculation-/.test(path)))
  expect(all.size - left.size).toBe(2) // one part, and its map
  left.set('/', await staticFile(join(ROOT, 'examples/plain-page/index.html')))
  await expectOrders(left, { problems: /404.*[/]speculation-/ })
})

test('a page loads one file of ours, and what opens files beside its first request; the rest when it is needed', async () => {
  const files = await filesBelow('/litetap/', join(ROOT, 'dist/browser'))
  files.set('/', { body: new TextEncoder().encode(OPENS), type: 'text/html; charset=utf-8' })
  let openingMayCome = (): void => {}
  const catalogAsked = new Promise<void>((resolve) => {
    openingMayCome = resolve
  })
  const asked: string[] = []
  const watch = async (page: Page): Promise<void> => {
    page.on('request', (request) => {
      const { pathname } = new URL(request.url())
      asked.push(pathname)
      if (pathname.endsWith('/catalog.json')) openingMayCome()
    })
    // If the first request waited for it, nothing would ever come.
    await page.route('**/opening-*.js', (route) => catalogAsked.then(() => route.continue()))
  }
  await expectOrders(files, { orders: '0', watch })
  const scripts = asked.filter((path) => path.endsWith('.js')).map((path) => path.replace(/-[\w-]{8}\.js$/, '.js'))
  expect(scripts).toEqual(['/litetap/litetap.js', '/litetap/opening.js'])
})

test('the Vite app, as `vite build` makes it, without a configuration', async () => {
  // A project of its own, which has the package among its modules as npm would put it there.
  const project = join(dir, 'vite-app')
  await cp(join(ROOT, 'examples/vite-app'), project, { recursive: true })
  const installed = join(project, 'node_modules/litetap')
  await mkdir(installed, { recursive: true })
  await cp(join(ROOT, 'package.json'), join(installed, 'package.json'))
  await cp(join(ROOT, 'dist'), join(installed, 'dist'), { recursive: true })
  await run(process.execPath, [join(RUNTIMES, 'vite/bin/vite.js'), 'build'], { cwd: project })
  const files = await filesBelow('/assets/', join(project, 'dist/assets'))
  const builds = [...files.keys()]
    .filter((path) => path.endsWith('.wasm'))
    .map((path) => path.replace(/-[\w-]{8}\./, '.'))
  expect(builds.sort()).toEqual(['/assets/sqlite3-asyncify.wasm', '/assets/sqlite3.wasm'])
  files.set('/', await staticFile(join(project, 'dist/index.html')))
  await expectOrders(files)
})

test('the Worker with an R2 bucket, as wrangler bundles it', async () => {
  const out = join(dir, 'worker')
  const wrangler = join(RUNTIMES, 'wrangler/bin/wrangler.js')
  const env = { ...process.env, WRANGLER_SEND_METRICS: 'false', CI: '1' }
  await run(process.execPath, [wrangler, 'deploy', '--dry-run', '--outdir', out], {
    cwd: join(ROOT, 'examples/worker-r2'),
    env,
  })
  const names = (await readdir(out)).filter((name) => name.endsWith('.wasm'))
  const worker = new Miniflare({
    compatibilityDate: '2026-07-01',
    modulesRoot: out,
    modules: [
      { type: 'ESModule', path: join(out, 'worker.js') },
      ...names.map((name) => ({ type: 'CompiledWasm' as const, path: join(out, name) })),
    ],
    r2Buckets: ['BUCKET'],
  })
  try {
    const { BUCKET: bucket } = await worker.getBindings<{ BUCKET: WritableR2Bucket }>()
    for (const { key, bytes } of await s3Objects()) await bucket.put(key, bytes)
    const ask = async () =>
      (await (await worker.dispatchFetch('http://localhost/?customer=7')).json()) as {
        orders: { id: number }[]
        requests: number
      }
    const first = await ask()
    expect(first.orders).toHaveLength(50)
    expect(first.orders[0]).toEqual({ id: 6, amount: 1.5 })
    await expect.poll(async () => (await ask()).requests).toBeLessThan(first.requests)
  } finally {
    await worker.dispose()
  }
})

/** The shop's files under the keys that they have in S3 and R2. */
async function s3Objects(): Promise<{ key: string; bytes: Uint8Array }[]> {
  const objects: { key: string; bytes: Uint8Array }[] = []
  const ltx = join(shop.replicaDir, 'ltx')
  for (const level of await readdir(ltx)) {
    for (const name of await readdir(join(ltx, level))) {
      const key = `shop/${Number(level).toString(16).padStart(4, '0')}/${name}`
      objects.push({ key, bytes: new Uint8Array(await readFile(join(ltx, level, name))) })
    }
  }
  return objects
}

/** A page that opens a replica and asks it nothing. */
const OPENS = `<!doctype html><link rel="icon" href="data:,"><output id="orders"></output><script type="module">
  import { open } from './litetap/litetap.js'
  const db = await open(new URLSearchParams(location.search).get('replica'))
  document.querySelector('#orders').value = db.stats().misses
  document.title = 'done'
</script>`

/**
 * Open a page, served by a gateway beside the shop's replica, and read how many orders it says there are.
 * @param options.problems what its console says, and must say
 */
async function expectOrders(
  staticFiles: Map<string, StaticFile>,
  options: { problems?: RegExp; orders?: string; watch?: (page: Page) => Promise<void> } = {},
): Promise<void> {
  const client = await openReplica(shop.replicaURL)
  const gateway: Gateway = createGateway({ databases: new Map([['shop', client]]), staticFiles })
  const { url } = await gateway.listen({ host: '127.0.0.1', port: 0 })
  const page = await browser.newPage()
  try {
    const problems: string[] = []
    page.on(
      'console',
      (message) => message.type() === 'error' && problems.push(`${message.text()} ${message.location().url}`),
    )
    page.on('pageerror', (error) => problems.push(String(error)))
    await options.watch?.(page)
    await page.goto(`${url}/?replica=${encodeURIComponent(`${url}/shop`)}`)
    await page.waitForFunction(() => document.title === 'done', undefined, { timeout: 30_000 }).catch(() => {})
    expect(problems.filter((problem) => !options.problems?.test(problem))).toEqual([])
    expect(problems.length > 0).toBe(options.problems !== undefined)
    expect(await page.locator('#orders').textContent()).toBe(options.orders ?? '1000')
  } finally {
    await page.close()
    await gateway.close()
  }
}

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  wasm: 'application/wasm',
}

async function staticFile(path: string): Promise<StaticFile> {
  const type = TYPES[path.slice(path.lastIndexOf('.') + 1)] ?? 'application/octet-stream'
  return { body: await readFile(path), type }
}

async function filesBelow(prefix: string, folder: string): Promise<Map<string, StaticFile>> {
  const files = new Map<string, StaticFile>()
  for (const name of await readdir(folder)) files.set(prefix + name, await staticFile(join(folder, name)))
  return files
}
