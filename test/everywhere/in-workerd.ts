import { join } from 'node:path'
import { Miniflare } from 'miniflare'
import { SUITE_DIR } from './build-suite.ts'
import type { Bridge, Report } from './report.ts'
import type { Scene } from './scene.ts'

/** Run the suite in workerd, as a Worker of several modules. */
export async function runInWorkerd(scene: Scene, bridge: Bridge): Promise<Report> {
  const root = join(SUITE_DIR, 'workerd')
  const esModule = (path: string) => ({ type: 'ESModule', path: join(root, path) })
  const wasm = (path: string) => ({ type: 'CompiledWasm', path: join(root, path) })
  const worker = new Miniflare({
    compatibilityDate: '2026-07-01',
    modulesRoot: root,
    modules: [
      esModule('run-worker.js'),
      esModule('litetap/litetap.js'),
      wasm('litetap/sqlite3.wasm'),
      wasm('litetap/trampoline.wasm'),
      wasm('litetap/codec.wasm'),
    ],
  })
  try {
    const reply = await worker.dispatchFetch(`http://localhost/?bridge=${bridge}&origin=${scene.origin}`)
    if (!reply.ok) throw new Error(`workerd answered ${reply.status}: ${await reply.text()}`)
    return (await reply.json()) as Report
  } finally {
    await worker.dispose()
  }
}
